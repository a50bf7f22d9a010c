#include "app/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/bench_run.h"
#include "loadgen/fold.h"
#include "metrics/batch_means.h"
#include "metrics/warmup.h"

namespace kneepoint::app {
namespace {

using metrics::Outcome;
using metrics::Timeline;

double ms(Nanos time) { return static_cast<double>(time.count()) / 1e6; }
double seconds(Nanos time) { return static_cast<double>(time.count()) / 1e9; }

/// What the network and the tokenizer add stands between the server and whoever measures:
/// everything that is seen of an answer is seen so much later.
void add_overhead(std::vector<Timeline>& timelines, const SimulatedServer& server) {
  for (Timeline& timeline : timelines) {
    const double input = timeline.usage ? static_cast<double>(timeline.usage->input.count()) : 0.0;
    const Nanos late(std::llround((server.request_ms + server.token_ms * input) * 1e6));
    for (metrics::TokenEvent& event : timeline.events) {
      event = metrics::TokenEvent(event.after_due() + late, event.tokens());
    }
    timeline.end += late;
    if (timeline.first_byte) *timeline.first_byte += late;
  }
}

struct Cut {
  metrics::WarmupCut warmup;
  Nanos from{};
  std::optional<metrics::MeanInterval> ttft, e2e;
};

/// As the load generator finds it: MSER-5 over TTFT, in the order in which requests were due.
Cut find_cut(const std::vector<Timeline>& timelines) {
  std::vector<double> ttft, e2e;
  std::vector<Nanos> due;
  for (const Timeline& timeline : timelines) {
    if (timeline.outcome != Outcome::Completed) continue;
    const auto whole = metrics::e2e(timeline);
    const auto first = metrics::ttft(timeline);
    if (!whole) continue;
    due.push_back(timeline.due);
    e2e.push_back(ms(*whole));
    ttft.push_back(first ? ms(*first) : e2e.back());
  }
  Cut out;
  out.warmup = metrics::mser5(ttft);
  const std::size_t cut = out.warmup.settled ? out.warmup.cut : 0;
  if (due.empty()) return out;
  out.from = cut == 0 ? Nanos(0) : due[cut];
  const auto rest = [cut](const std::vector<double>& all) {
    return std::span<const double>(all).subspan(cut);
  };
  out.ttft = metrics::batch_means(rest(ttft));
  out.e2e = metrics::batch_means(rest(e2e));
  return out;
}

/// Requests out at once, from the starts and ends of all of them.
void tell_in_flight(loadgen::Fold& fold, const std::vector<Timeline>& timelines) {
  std::vector<std::pair<Nanos, int>> changes;
  changes.reserve(2 * timelines.size());
  for (const Timeline& timeline : timelines) {
    changes.emplace_back(timeline.sent.value_or(timeline.due), 1);
    changes.emplace_back(timeline.end, -1);
  }
  std::sort(changes.begin(), changes.end());
  std::int64_t out = 0;
  Nanos since{};
  for (const auto& [at, by] : changes) {
    if (out > 0) fold.on_in_flight(since, at, out);
    out += by;
    since = at;
  }
}

metrics::ServerSignals signals_of(const SimulateAsk& ask, const sim::FleetResult& result) {
  metrics::ServerSignals out;
  out.server = ask.setup.model_server;
  out.version = ask.setup.model_server_version;
  out.running.mean = out.waiting.mean = out.kv_use.mean = 0;
  double preemptions = 0, queries = 0, hits = 0, prompt = 0, generated = 0;
  for (const sim::ReplicaResult& one : result.replicas) {
    out.running.mean += one.running;
    out.waiting.mean += one.waiting;
    out.kv_use.mean += one.engines.kv_use / static_cast<double>(result.replicas.size());
    preemptions += static_cast<double>(one.engines.preemptions);
    queries += static_cast<double>(one.engines.prefix_queries);
    hits += static_cast<double>(one.engines.prefix_hits);
    prompt += static_cast<double>(one.engines.prompt_tokens);
    generated += static_cast<double>(one.engines.generation_tokens);
  }
  out.preemptions = preemptions;
  if (queries > 0) out.prefix_hit_share = hits / queries;
  if (result.took > Nanos(0)) {
    out.prompt_tokens_per_second = prompt / seconds(result.took);
    out.generation_tokens_per_second = generated / seconds(result.took);
  }
  return out;
}

}  // namespace

Result<run::PointRecord> simulate_point(const SimulatedServer& server, const SimulateAsk& ask,
                                        std::size_t point, std::string_view day) {
  const workload::RunSpec& spec = ask.points[point];
  const sim::FleetConfig config{server.replica, ask.replicas, ask.router};
  sim::FleetOptions options;
  options.keep =
      ask.every_token ? sim::FleetOptions::Keep::EveryToken : sim::FleetOptions::Keep::Timelines;
  auto result = sim::simulate_fleet(spec, config, server.models(), options);
  if (!result) return fail(std::move(result).error());
  std::vector<Timeline>& timelines = result->timelines;
  if (ask.overhead) add_overhead(timelines, server);
  std::stable_sort(timelines.begin(), timelines.end(),
                   [](const Timeline& a, const Timeline& b) { return a.due < b.due; });

  run::PointRecord out;
  out.index = static_cast<std::int64_t>(point);
  out.spec = spec;
  out.started_at = fmt::format("{}T00:00:00Z", day);
  out.requests_sent = static_cast<std::uint64_t>(result->requests);
  out.requests_completed = static_cast<std::uint64_t>(result->completed);
  out.requests_failed = static_cast<std::uint64_t>(result->refused);
  const Cut cut = find_cut(timelines);

  loadgen::Fold fold(ask.bounds, cut.from);
  Nanos last_due{};
  double input = 0, output = 0;
  for (const Timeline& timeline : timelines) {
    last_due = std::max(last_due, timeline.due);
    out.took = std::max(out.took, timeline.end);
  }
  fold.end_load(last_due);
  for (const Timeline& timeline : timelines) {
    fold.on_sent(timeline.due);
    for (const metrics::TokenEvent& event : timeline.events) {
      fold.on_events(timeline.due + event.after_due(), 1);
    }
    fold.add(timeline);
    if (timeline.outcome != Outcome::Completed || !timeline.usage) continue;
    input += static_cast<double>(timeline.usage->input.count());
    output += static_cast<double>(timeline.usage->output.count());
  }
  tell_in_flight(fold, timelines);
  loadgen::Fold::Kept kept = fold.finish(cut.from);
  if (kept.drained * 2 > out.requests_completed ||
      kept.tally.completed * 10 < out.requests_completed) {
    kept = fold.finish_whole(out.took + Nanos(1));
    out.warmup = "none cut: a short run";
    out.remarks.emplace_back(
        "a short run: most answers ended after the last request was sent, so rates are of the "
        "whole run, its start and end included");
  } else {
    out.warmup = metrics::describe(cut.warmup, "requests");
  }
  out.summary = metrics::summarize(kept.tally);
  out.ttft_interval = cut.ttft;
  out.e2e_interval = cut.e2e;
  out.slices = std::move(kept.slices);
  out.latency.assign(kept.tally.latency.begin(), kept.tally.latency.end());
  const double completed = std::max<double>(1, static_cast<double>(out.requests_completed));
  out.tokens = {.prompts = "none: a simulation counts tokens",
                .input_wanted_mean = input / completed,
                .input_counted_mean = input / completed,
                .output_wanted_mean = output / completed,
                .output_counted_mean = output / completed,
                .stopped_early = 0};
  out.self.most_in_flight = result->most_in_flight;
  out.server = signals_of(ask, *result);
  if (result->refused > 0) {
    out.errors.push_back(
        {"refused by the simulated server", static_cast<std::uint64_t>(result->refused), ""});
  }
  for (std::string& remark : metrics::remarks(out.summary)) {
    out.remarks.push_back(std::move(remark));
  }
  out.remarks.push_back(fmt::format("simulated, calibration {}: a prediction", server.by));
  for (const std::string& note : server.notes) out.remarks.push_back("extrapolated: " + note);
  return out;
}

json::Value simulated_report(const SimulatedServer& server, const SimulateAsk& ask,
                             const std::vector<run::PointRecord>& points, std::string_view day,
                             std::string_view tool) {
  BenchAsk asked;
  asked.target.url = "simulated:";
  asked.target.model = ask.setup.model;
  json::Value out = bench_report(asked, points, tool);
  json::Object& evidence = out.as_object().at("evidence").as_object();
  evidence["kind"] = "predicted";
  evidence["measured_on"] = day;
  evidence["by"] = fmt::format(
      "kneepoint {} simulate, calibration {}: {} on {} x {}{}", tool, server.by,
      ask.setup.model_server, ask.setup.accelerator_count.value_or(1), ask.setup.accelerator,
      ask.replicas > 1 ? fmt::format(", {} replicas behind {}", ask.replicas, sim::name(ask.router))
                       : std::string());
  return out;
}

}  // namespace kneepoint::app
