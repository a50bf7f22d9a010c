#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "metrics/batch_means.h"
#include "metrics/metric.h"
#include "metrics/timeline.h"
#include "metrics/warmup.h"
#include "sim/engine.h"
#include "workload/spec.h"

namespace kneepoint::sim {

enum class LoadKind { Rate, Concurrency };  // requests per second; requests in flight

/// The spec at a load: for a rate Poisson arrivals where the spec names no pattern, its own pattern
/// at that rate where it does; for a concurrency a closed loop.
workload::RunSpec at_load(const workload::RunSpec& spec, LoadKind kind, double load);

/// What a load generator would report of one load, measured the way it does: the warm-up cut by
/// MSER-5 over TTFT (end to end where answers are one token), means with intervals by batch means.
struct LoadPoint {
  double load = 0;
  double requests_per_second = metrics::kMissing;
  double output_tokens_per_second = metrics::kMissing;
  double ttft_mean_ms = metrics::kMissing;
  double e2e_mean_ms = metrics::kMissing;
  /// Nothing for too few values. Throughput: of the rates of equal stretches of the window.
  std::optional<metrics::MeanInterval> ttft_ms, e2e_ms, requests_per_second_interval;
  metrics::WarmupCut warmup;
  std::int64_t requests = 0;  // completed, of those that were due in the window
  std::int64_t refused = 0;
  Nanos window{};  // length
  Nanos took{};    // from the start to the last answer: what measuring it would cost
  EngineState engine;
};

/// Of whole timelines, in the order they were due. The window ends with the last one due, so the
/// drain is not in it.
LoadPoint measure(std::span<const metrics::Timeline> timelines, double load);

struct PointOptions {
  std::int64_t requests = 1000;
  std::optional<Nanos> duration{};  // of sending; whichever ends first
  std::uint64_t seed = 1;
};

/// One load point of an engine that starts empty, in virtual time. Costs milliseconds of CPU.
Result<LoadPoint> simulate_point(const workload::RunSpec& spec, const EngineConfig& config,
                                 perfmodel::StepTimeModel& model, LoadKind kind, double load,
                                 const PointOptions& options = {});

}  // namespace kneepoint::sim
