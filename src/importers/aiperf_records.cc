/// aiperf's profile_export.jsonl: a line for each request. Used where the summary beside it is
/// missing; the load asked for is not in it, so it is the mean number of requests in flight.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "importers/tools.h"
#include "metrics/histogram.h"
#include "metrics/summary.h"

namespace kneepoint::importers {
namespace {

using metrics::Metric;
using metrics::Statistic;

constexpr double kLongestMs = 1e9;

/// Milliseconds of a metric {"value", "unit"} into a histogram.
void record(const Place& metric, metrics::Histogram& to) {
  if (!metric.there()) return;
  const Place value = metric.at("value");
  const auto one = [&](double ms) {
    if (metrics::is_missing(ms)) return;
    if (ms < 0 || ms > kLongestMs) return value.wrong("must be a time in milliseconds");
    to.record(Nanos(std::llround(ms * 1e6)));
  };
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) one(value.item(i).as_number());
  } else {
    one(value.as_number());
  }
}

void set(Measured& m, Metric metric, const metrics::Histogram& histogram) {
  if (histogram.empty()) return;
  const metrics::Spread figures = metrics::spread(histogram);
  auto& latency = m.point.at.latency;
  latency.set(metric, Statistic::Mean, figures.mean);
  latency.set(metric, Statistic::P50, figures.p50);
  latency.set(metric, Statistic::P90, figures.p90);
  latency.set(metric, Statistic::P99, figures.p99);
}

}  // namespace

bool knows_aiperf_records(const Document& document) {
  if (document.values.empty()) return false;
  const auto* record = document.values.front().if_object();
  if (record == nullptr || !record->contains("metrics")) return false;
  const auto* metadata = record->if_contains("metadata");
  return metadata != nullptr && metadata->is_object() &&
         metadata->get_object().contains("request_start_ns");
}

void read_aiperf_records(const Document& document, Faults& faults, std::vector<Measured>& out) {
  Measured m = measured("aiperf", document);
  m.from_records = true;
  metrics::Histogram ttft, tpot, itl, e2e;
  double first = INFINITY, last = 0, busy = 0, requests = 0, errors = 0, input = 0, output = 0;
  for (std::size_t i = 0; i < document.values.size(); ++i) {
    const Place line(document.values[i], fmt::format("{}: record {}:", document.name, i + 1),
                     faults);
    const Place metadata = line.at("metadata");
    if (metadata.text("benchmark_phase") == "warmup") continue;
    if (line.at("error").there()) {
      ++errors;
      continue;
    }
    const double start = metadata.must_figure("request_start_ns");
    const double end = metadata.must_figure("request_end_ns");
    if (faults.any()) return;
    if (end < start) return metadata.at("request_end_ns").wrong("must not be before its start");
    first = std::min(first, start);
    last = std::max(last, end);
    busy += end - start;
    ++requests;
    const Place values = line.at("metrics");
    record(values.at("time_to_first_token"), ttft);
    record(values.at("inter_token_latency"), tpot);
    record(values.at("inter_chunk_latency"), itl);
    record(values.at("request_latency"), e2e);
    input += values.at("input_sequence_length").must_figure("value");
    output += values.at("output_sequence_length").must_figure("value");
  }
  if (faults.any()) return;
  const double seconds = (last - first) / 1e9;
  if (requests == 0 || !(seconds > 0)) {
    faults.add(fmt::format("{}: holds no completed request", document.name));
    return;
  }
  profile::Point& p = m.point;
  m.load_kind = curve::LoadKind::Concurrency;
  p.at.load = busy / 1e9 / seconds;
  derived(m, "load(mean requests in flight)");
  p.request_count = requests;
  p.error_count = errors;
  p.at.requests_per_second = requests / seconds;
  p.at.output_tokens_per_second = output / seconds;
  p.at.input_tokens_per_second = input / seconds;
  p.input_tokens_mean = input / requests;
  p.output_tokens_mean = output / requests;
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;
  p.measured_on = date_of_seconds(first / 1e9);
  set(m, Metric::Ttft, ttft);
  set(m, Metric::Tpot, tpot);
  set(m, Metric::E2e, e2e);
  if (static_cast<double>(itl.count()) == output - requests) {
    set(m, Metric::Itl, itl);
  } else {
    flag(m, "itl_percentiles_are_tpot");
  }
  flag(m, "summed_up_from_records");
  flag(m, "clock_starts_at_send");
  flag(m, "rates_include_start_and_drain");
  out.push_back(std::move(m));
}

}  // namespace kneepoint::importers
