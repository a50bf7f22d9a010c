#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "base/random.h"
#include "report/bench_report.h"

/// Load points as a run would keep them, from a server that is a formula. Tests only.
namespace kneepoint::report::testing {

struct MadeServer {
  double most_tokens_per_second = 3200;
  double knee = 24;  // clients
  double ttft_ms = 45, itl_ms = 9;
  double noise = 0.18;
  int requests = 1000;
};

/// One point with so many clients: histograms, a series of 60 seconds, the server's signals.
inline run::PointRecord made_point(std::int64_t index, std::int64_t clients, std::uint64_t seed = 7,
                                   const MadeServer& server = {}) {
  Random random(seed, "made-point", static_cast<std::uint64_t>(clients));
  const auto n = static_cast<double>(clients);
  const double reached = 1 / (1 + std::pow(n / server.knee, -3.0));  // how far past the knee
  const double rate =
      server.most_tokens_per_second * n / std::cbrt(n * n * n + std::pow(server.knee, 3));
  const double queue = std::max(0.0, n - 1.3 * server.knee);
  const double ttft = server.ttft_ms * (1 + 0.02 * n) + 34 * queue * reached;
  const double itl = server.itl_ms * (1 + 0.9 * std::min(1.6, n / server.knee));
  constexpr int kOutput = 128;

  run::PointRecord point;
  point.index = index;
  point.spec.seed = 42;
  point.spec.in_flight = clients;
  point.spec.lengths.input = *workload::parse_length("512");
  point.spec.lengths.output = *workload::parse_length("128");
  point.spec.duration = std::chrono::seconds(60);
  const std::int64_t minute = 3 + 2 * index;
  point.started_at = "2026-11-21T" + std::string(minute / 60 == 0 ? "14:" : "15:") +
                     std::string(minute % 60 < 10 ? "0" : "") + std::to_string(minute % 60) +
                     ":05Z";
  point.took = std::chrono::milliseconds(61'250);
  point.end = run::PointEnd::Confident;
  point.requests_sent = static_cast<std::uint64_t>(server.requests) + 40;
  point.requests_completed = point.requests_sent;
  point.warmup = "warm-up by MSER-5: first 35 of 1040 requests dropped";

  point.latency.resize(metrics::kMetrics.size());
  const auto histogram = [&point](metrics::Metric metric) -> metrics::Histogram& {
    return point.latency[static_cast<std::size_t>(metric)];
  };
  const auto nanos = [](double ms) { return Nanos(static_cast<std::int64_t>(ms * 1e6)); };
  for (int i = 0; i < server.requests; ++i) {
    const double first = ttft * std::exp(server.noise * (1 + reached) * random.normal());
    const double gap = itl * std::exp(0.05 * random.normal());
    const double whole = first + gap * (kOutput - 1);
    histogram(metrics::Metric::Ttft).record(nanos(first));
    histogram(metrics::Metric::Tpot).record(nanos(gap));
    histogram(metrics::Metric::Ntpot).record(nanos(whole / kOutput));
    histogram(metrics::Metric::E2e).record(nanos(whole));
    for (int token = 0; token < 8; ++token) {
      const double stall = random.uniform() < 0.01 ? 4 : 1;
      histogram(metrics::Metric::Itl).record(nanos(gap * stall * std::exp(0.12 * random.normal())));
    }
  }
  metrics::Summary& summary = point.summary;
  summary.window = {std::chrono::seconds(4), std::chrono::seconds(58)};
  for (const metrics::Metric metric : metrics::kMetrics) {
    summary.latency[static_cast<std::size_t>(metric)] = metrics::spread(histogram(metric));
  }
  summary.requests = static_cast<std::uint64_t>(server.requests);
  summary.by_outcome[0] = summary.requests;
  summary.output_rate = Rate<Tokens>(rate);
  summary.requests_per_second = Rate<Requests>(rate / kOutput);
  summary.input_rate = Rate<Tokens>(rate * 4);
  summary.tokens_counted_by = "usage";

  const auto interval = [](double mean, double share) {
    return metrics::MeanInterval{.mean = mean,
                                 .half_width = mean * share,
                                 .level = 0.95,
                                 .values = 1000,
                                 .batches = 20,
                                 .batch_size = 50,
                                 .batch_correlation = 0.05};
  };
  point.ttft_interval = interval(summary.of(metrics::Metric::Ttft).mean, 0.02);
  point.e2e_interval = interval(summary.of(metrics::Metric::E2e).mean, 0.01);
  point.output_rate_interval = interval(rate, 0.006);

  point.self.send_lateness = {1000, 0.03, 0.02, 0.05, 0.07, 0.14, 0.9};
  point.self.read_lag = {9000, 0.2, 0.18, 0.4, 0.5, 0.8, 1.9};
  point.self.core_share = 0.01 + 0.004 * n;
  point.self.cpu_seconds = point.self.core_share * 60;
  point.self.achieved_rate = rate / kOutput;
  point.self.most_in_flight = clients;
  point.tokens = {"token ids 1000 to 9191", 512, 512, 128, 127.4, 3};

  metrics::ServerSignals& signals = point.server.emplace();
  signals.server = "vllm";
  signals.version = "0.11.0";
  const double capacity = 1.3 * server.knee;
  for (int second = 0; second < 61; ++second) {
    const double up = std::min(1.0, second / 4.0);
    const double wave = 1 + 0.06 * random.normal();
    const double shape = second < 59 ? up : 0.4;
    run::Slice slice{.from = std::chrono::seconds(second), .length = std::chrono::seconds(1)};
    slice.sent = slice.completed = static_cast<std::uint64_t>(rate / kOutput * shape);
    slice.output_tokens_per_second = rate * shape * wave;
    slice.in_flight_mean = n * (second < 59 ? 1 : 0.5);
    slice.ttft_p50_ms = ttft * (second < 3 ? 1.6 : 1) * (1 + 0.05 * random.normal());
    slice.ttft_p99_ms = slice.ttft_p50_ms * (1.5 + 0.3 * random.uniform());
    slice.itl_p50_ms = itl * (1 + 0.02 * random.normal());
    slice.itl_p99_ms = slice.itl_p50_ms * (1.6 + 0.5 * random.uniform());
    point.slices.push_back(slice);
    metrics::SignalSample sample{.at = std::chrono::milliseconds(1000 * second + 400)};
    sample.running = std::round(std::min(n, capacity) * shape);
    sample.waiting = std::round(std::max(0.0, n - capacity) * shape);
    sample.kv_use = std::min(0.97, 0.93 * n / capacity) * shape;
    signals.samples.push_back(sample);
  }
  signals.running = {std::min(n, capacity), std::min(n, capacity)};
  signals.waiting = {std::max(0.0, n - capacity), std::max(0.0, n - capacity)};
  signals.kv_use = {std::min(0.95, 0.9 * n / capacity), std::min(0.97, 0.93 * n / capacity)};
  signals.preemptions = std::floor(queue / 3);
  signals.prefix_hit_share = 0.02;
  signals.ttft_mean_ms = summary.of(metrics::Metric::Ttft).mean - 1.1;
  signals.itl_mean_ms = summary.of(metrics::Metric::Itl).mean - 0.05;
  signals.e2e_mean_ms = summary.of(metrics::Metric::E2e).mean - 1.4;
  signals.queue_mean_ms = 20 * queue;
  return point;
}

/// A sweep from 1 client to past the knee, `loads` points of it.
inline BenchReport made_report(std::vector<std::int64_t> loads = {1, 2, 4, 8, 12, 16, 24, 32, 48,
                                                                  64, 128},
                               std::uint64_t seed = 7, const MadeServer& server = {}) {
  BenchReport report;
  report.facts = {.model = "meta-llama/Llama-3.1-8B-Instruct",
                  .target = "http://10.0.0.12:8000/v1",
                  .server = "vllm",
                  .server_version = "0.11.0",
                  .accelerator = "1 x nvidia-l4",
                  .client = "kneepoint 0.1.0",
                  .host = "bench-client-1",
                  .started_at = "2026-11-21T14:03:00Z",
                  .more = {{"purpose", "size the L4 pool"}}};
  std::int64_t index = 0;
  for (const std::int64_t load : loads) {
    report.points.push_back(made_point(index++, load, seed, server));
  }
  return report;
}

/// The same with everything in it that can go wrong, and names that would be markup.
inline BenchReport hostile_report() {
  BenchReport report = made_report();
  report.facts.model = "</title><script>document.title='owned'</script>";
  report.facts.target = "http://user:secret@host/\"><img src=http://192.0.2.1/x onerror=alert(1)>";
  report.facts.more.push_back({"<b>key</b>", "a & b 'c' \"d\""});
  run::PointRecord& failing = report.points[8];
  failing.requests_failed = 37;
  failing.requests_completed -= 37;
  failing.errors = {
      {"status 503", 30, "<html><script src=//192.0.2.1/x.js></script>" + std::string(5000, 'x')},
      {"closed in mid-stream", 7, std::string("\x01\xff bytes\r\n\r\nX-Y: z")}};
  failing.remarks = {"37 requests failed; latencies are of the others"};
  for (run::Slice& slice : failing.slices)
    slice.failed = slice.from > Nanos{40'000'000'000} ? 2 : 0;
  run::PointRecord& invalid = report.points.back();
  invalid.self.valid = false;
  invalid.self.core_share = 0.99;
  invalid.self.reason = "a thread used 99 % of its core, more than 90 %: <i>too busy</i>";
  report.points[0].server->warnings = {"series vllm:kv_cache_usage_perc is missing --><!--"};
  return report;
}

}  // namespace kneepoint::report::testing
