#include "sim/load_point.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "sim/replay.h"

namespace kneepoint::sim {

using metrics::Outcome;
using metrics::Timeline;

namespace {

// Two for each batch, the fewest that batch_means() takes.
constexpr std::size_t kStretches = 2 * metrics::kBatches;

double milliseconds(Nanos time) { return static_cast<double>(time.count()) / 1e6; }
double seconds(Nanos time) { return static_cast<double>(time.count()) / 1e9; }

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return metrics::kMissing;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

workload::RunSpec at_load(const workload::RunSpec& spec, LoadKind kind, double load) {
  workload::RunSpec out = spec;
  if (kind == LoadKind::Concurrency) {
    out.arrivals.reset();
    out.in_flight = std::max<std::int64_t>(1, std::llround(load));
    return out;
  }
  if (!out.arrivals) out.arrivals = workload::Arrivals{};
  out.arrivals->rate = load;
  return out;
}

LoadPoint measure(std::span<const Timeline> timelines, double load) {
  LoadPoint out;
  out.load = load;
  std::vector<double> ttft, e2e;
  std::vector<Nanos> due;
  Nanos last_due{};
  for (const Timeline& timeline : timelines) {
    out.refused += timeline.outcome == Outcome::Rejected;
    out.took = std::max(out.took, timeline.end);
    last_due = std::max(last_due, timeline.due);
    if (timeline.outcome != Outcome::Completed) continue;
    due.push_back(timeline.due);
    e2e.push_back(milliseconds(metrics::e2e(timeline).value_or(Nanos())));
    const auto first = metrics::ttft(timeline);
    ttft.push_back(first ? milliseconds(*first) : e2e.back());
  }
  out.warmup = metrics::mser5(ttft);
  const auto cut = static_cast<std::ptrdiff_t>(out.warmup.settled ? out.warmup.cut : 0);
  if (due.empty()) return out;
  const Nanos from = due[static_cast<std::size_t>(cut)];
  ttft.erase(ttft.begin(), ttft.begin() + cut);
  e2e.erase(e2e.begin(), e2e.begin() + cut);
  out.requests = static_cast<std::int64_t>(ttft.size());
  out.ttft_mean_ms = mean_of(ttft);
  out.e2e_mean_ms = mean_of(e2e);
  out.ttft_ms = metrics::batch_means(ttft);
  out.e2e_ms = metrics::batch_means(e2e);

  out.window = last_due - from;
  if (out.window <= Nanos(0)) return out;
  std::vector<double> ended(kStretches);
  double requests = 0, tokens = 0;
  for (const Timeline& timeline : timelines) {
    if (timeline.outcome != Outcome::Completed) continue;
    if (timeline.end < from || timeline.end >= last_due) continue;
    ++requests;
    tokens += static_cast<double>(metrics::output_tokens(timeline).count());
    const double share = seconds(timeline.end - from) / seconds(out.window);
    const auto at = static_cast<std::size_t>(share * static_cast<double>(kStretches));
    ++ended[std::min(at, kStretches - 1)];
  }
  out.requests_per_second = requests / seconds(out.window);
  out.output_tokens_per_second = tokens / seconds(out.window);
  for (double& count : ended) count *= static_cast<double>(kStretches) / seconds(out.window);
  if (requests >= static_cast<double>(kStretches)) {
    out.requests_per_second_interval = metrics::batch_means(ended);
  }
  return out;
}

Result<LoadPoint> simulate_point(const workload::RunSpec& spec, const EngineConfig& config,
                                 perfmodel::StepTimeModel& model, LoadKind kind, double load,
                                 const PointOptions& options) {
  workload::RunSpec run = at_load(spec, kind, load);
  run.seed = options.seed;
  run.requests = options.requests;
  run.duration = options.duration;
  auto result = replay(run, config, model, {.every_token = false});
  if (!result) return fail(std::move(result.error()));
  // A closed loop sends in the order of due times but for turns of sessions that waited.
  std::ranges::stable_sort(result->timelines, {}, &Timeline::due);
  LoadPoint out = measure(result->timelines, load);
  out.engine = result->engine;
  return out;
}

}  // namespace kneepoint::sim
