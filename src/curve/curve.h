#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "curve/point.h"
#include "metrics/metric.h"

/// Pure functions over the load points of one serving setup under one workload. Points come in
/// ascending load and all have the same LoadKind. Definitions and pictures: docs/metrics/knee.md.
namespace kneepoint::curve {

enum class KneeState {
  Found,          // the knee lies at points[index]
  NotReached,     // throughput still rises at the highest load measured: the knee is beyond it
  TooFewPoints,   // fewer than four distinct loads (or no throughput figures): no statement
  NotASteadyState // bursts have no steady state, hence no knee
};
std::string_view name(KneeState state);  // "found", "not_reached", "too_few_points", "not_steady"

struct Knee {
  KneeState state = KneeState::TooFewPoints;
  std::size_t index = 0;     // Found: the knee; otherwise: the point of the highest load measured
  double highest_load = 0;   // highest load measured
  std::string sentence;      // for people: "knee at 32 clients", "not reached: highest load measured 64 clients"
};

/// The load past which throughput stops rising and latency takes off.
Knee find_knee(std::span<const LoadPoint> points, LoadKind kind);

enum class Zone { Below, At, Past, Unknown };
std::string_view name(Zone zone);
std::vector<Zone> zones(std::span<const LoadPoint> points, const Knee& knee);

/// Bound on one latency metric at one statistic.
struct Target {
  metrics::Metric metric;
  metrics::Statistic statistic = metrics::Statistic::P50;
  double at_most_ms = 0;
};

/// Whether a missing percentile may be answered with the nearest one there is (and marked).
enum class StatisticRule { Exact, Closest };

/// Where on the curve the targets are met with the most throughput.
struct OperatingPoint {
  LoadPoint point;                 // measured, or interpolated between two measured neighbours
  bool interpolated = false;
  std::size_t lower = 0;           // index of the measured point at or just below
  std::size_t upper = 0;           // == lower when measured
  Zone zone = Zone::Unknown;
  // Targets answered with another statistic than asked, e.g. mean for p50.
  struct Substitute {
    metrics::Metric metric;
    metrics::Statistic asked, used;
  };
  std::vector<Substitute> substitutes;
};

enum class Miss {
  MissesTarget,      // the best reachable value is in `best_ms`
  StatisticMissing,  // nobody published that statistic of that metric for this curve
};
struct NoOperatingPoint {
  Miss reason;
  metrics::Metric metric;           // the target that failed (the one farthest out of reach)
  metrics::Statistic statistic;
  double best_ms = metrics::kMissing;
};

/// Without targets: the knee, or the highest measured load before one was reached, or (too few
/// points, bursts) the point of the highest throughput. With targets: the highest throughput at
/// which every target holds, never past the knee. A value between two measured loads is
/// interpolated linearly in load, and only between neighbours; nothing is extrapolated.
tl::expected<OperatingPoint, NoOperatingPoint> find_operating_point(
    std::span<const LoadPoint> points, LoadKind kind, std::span<const Target> targets,
    StatisticRule rule);

/// The point at `load`, linear between its measured neighbours; nothing outside the measured range.
std::optional<LoadPoint> interpolate(std::span<const LoadPoint> points, double load);

struct Range {
  double min = metrics::kMissing, max = metrics::kMissing;
};
/// The reachable values of a metric over the points at or below the knee.
Range reachable(std::span<const LoadPoint> points, const Knee& knee, metrics::Metric metric,
                metrics::Statistic statistic, StatisticRule rule);

}  // namespace kneepoint::curve
