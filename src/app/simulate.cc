#include "app/simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "app/bench_run.h"
#include "app/simulated_fold.h"

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

/// From timelines with every token, which a bound on the longest gap of each request needs.
SimulatedFold::Told told_by_timelines(const SimulateAsk& ask, std::vector<Timeline> timelines) {
  SimulatedFold::Told out;
  std::stable_sort(timelines.begin(), timelines.end(),
                   [](const Timeline& a, const Timeline& b) { return a.due < b.due; });
  std::vector<Nanos> due;
  std::vector<double> ttft, e2e;
  Nanos last_due{};
  for (const Timeline& timeline : timelines) {
    last_due = std::max(last_due, timeline.due);
    out.took = std::max(out.took, timeline.end);
    const auto whole = metrics::e2e(timeline);
    if (timeline.outcome != Outcome::Completed || !timeline.usage || !whole) continue;
    out.input_tokens += static_cast<double>(timeline.usage->input.count());
    out.output_tokens += static_cast<double>(timeline.usage->output.count());
    due.push_back(timeline.due);
    e2e.push_back(ms(*whole));
    ttft.push_back(ms(metrics::ttft(timeline).value_or(*whole)));
  }
  out.warmup = find_warmup(due, ttft, e2e);
  loadgen::Fold fold(ask.bounds, out.warmup.from);
  fold.end_load(last_due);
  for (const Timeline& timeline : timelines) {
    fold.on_sent(timeline.due);
    for (const metrics::TokenEvent& event : timeline.events) {
      fold.on_events(timeline.due + event.after_due(), 1);
    }
    fold.add(timeline);
  }
  tell_in_flight(fold, timelines);
  out.kept = fold.finish(out.warmup.from);
  if (out.kept.drained * 2 > due.size() || out.kept.tally.completed * 10 < due.size()) {
    out.kept = fold.finish_whole(out.took + Nanos(1));
    out.whole_run = true;
  }
  return out;
}

}  // namespace

Result<run::PointRecord> simulate_point(const SimulatedServer& server, const SimulateAsk& ask,
                                        std::size_t point, std::string_view day) {
  const workload::RunSpec& spec = ask.points[point];
  const sim::FleetConfig config{server.replica, ask.replicas, ask.router};
  SimulatedFold::Late late;
  if (ask.overhead) late = {server.request_ms * 1e6, server.token_ms * 1e6};
  SimulatedFold fold(ask.bounds, late, static_cast<std::size_t>(spec.requests.value_or(0)));
  const bool every_token = std::ranges::any_of(
      ask.bounds, [](const metrics::Bound& bound) { return bound.metric == metrics::Metric::Itl; });
  sim::FleetOptions options;
  options.misses_the_step = true;
  if (every_token) {
    options.keep = sim::FleetOptions::Keep::EveryToken;
  } else {
    options.observer = &fold;
  }
  auto result = sim::simulate_fleet(spec, config, server.models(), options);
  if (!result) return fail(std::move(result).error());
  if (every_token && ask.overhead) add_overhead(result->timelines, server);
  SimulatedFold::Told told = every_token ? told_by_timelines(ask, std::move(result->timelines))
                                         : fold.finish(result->tally.pattern);

  run::PointRecord out;
  out.index = static_cast<std::int64_t>(point);
  out.spec = spec;
  out.started_at = fmt::format("{}T00:00:00Z", day);
  out.took = told.took;
  out.requests_sent = static_cast<std::uint64_t>(result->requests);
  out.requests_completed = static_cast<std::uint64_t>(result->completed);
  out.requests_failed = static_cast<std::uint64_t>(result->refused);
  if (told.whole_run) {
    out.warmup = "none cut: a short run";
    out.remarks.emplace_back(
        "a short run: most answers ended after the last request was sent, so rates are of the "
        "whole run, its start and end included");
  } else {
    out.warmup = metrics::describe(told.warmup.warmup, "requests");
  }
  out.summary = metrics::summarize(told.kept.tally);
  out.ttft_interval = told.warmup.ttft;
  out.e2e_interval = told.warmup.e2e;
  out.slices = std::move(told.kept.slices);
  out.latency.assign(std::make_move_iterator(told.kept.tally.latency.begin()),
                     std::make_move_iterator(told.kept.tally.latency.end()));
  const double completed = std::max<double>(1, static_cast<double>(out.requests_completed));
  const double input = told.input_tokens, output = told.output_tokens;
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
