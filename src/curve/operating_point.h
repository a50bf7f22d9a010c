#pragma once

#include <cstddef>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "curve/knee.h"
#include "curve/point.h"
#include "metrics/metric.h"

namespace kneepoint::curve {

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
  LoadPoint point;  // measured, or interpolated between two measured neighbours
  bool interpolated = false;
  std::size_t lower = 0;  // index of the measured point at or just below
  std::size_t upper = 0;  // == lower when measured
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
  metrics::Metric metric;  // the target that failed (the one farthest out of reach)
  metrics::Statistic statistic;
  // Always above the bound. Where each target could be met alone but not all at one load: the value
  // at the load that comes nearest to meeting all.
  double best_ms = metrics::kMissing;
};

/// The highest throughput at which every target holds, at or below the knee (or, where none was
/// reached, the highest load measured). Without targets that is the knee itself.
///
/// Every measured load that meets the targets counts, whatever a lower load did: TTFT often falls
/// over the first loads, and one bad run must not hide the good ones above it. Between two measured
/// neighbours the figures are taken as linear in load, so the curve is made of straight pieces, and
/// the best place of each piece is one of its ends or where a target is just met. With too few
/// points, and for bursts, measured points alone count. Without throughput figures the highest load
/// that meets the targets is the answer.
///
/// A curve without a usable point is StatisticMissing.
tl::expected<OperatingPoint, NoOperatingPoint> find_operating_point(
    std::span<const LoadPoint> points, LoadKind kind, std::span<const Target> targets,
    StatisticRule rule);

struct Range {
  double min = metrics::kMissing, max = metrics::kMissing;
};
/// The values of a metric measured at or below the knee: what a target may ask for.
Range reachable(std::span<const LoadPoint> points, const Knee& knee, metrics::Metric metric,
                metrics::Statistic statistic, StatisticRule rule);

}  // namespace kneepoint::curve
