#pragma once

#include <optional>
#include <string>
#include <vector>

#include "curve/knee.h"
#include "curve/point.h"

namespace kneepoint::loadgen {

struct SweepLimits {
  curve::LoadKind kind = curve::LoadKind::Concurrency;
  double lowest = 1;
  double highest = 1024;
  /// Loads on either side of the knee are at most this factor away when the sweep ends; whole
  /// clients cannot be closer than one.
  double precision = 1.1;
  std::size_t most_points = 40;
};

/// What the plan is told of a measured load.
struct SweepPoint {
  curve::LoadPoint at;
  /// 95 % half width of the throughput as a share of it; NaN when it is not known.
  double throughput_error = metrics::kMissing;
  /// Open loop: the server fell behind what was offered, so that time in the system grew for as
  /// long as the point lasted.
  bool overloaded = false;
};

/// Which load to measure next, from idle to past the knee and then around it.
///
/// It rises by doublings until throughput has stopped growing for good: the knee (curve/knee.h)
/// lies two doublings back, one in an overloaded open loop. Then it halves, on the scale of the
/// logarithm, the wider of the two gaps beside the knee until both are within the precision; a flat
/// top is filled more evenly first, since a parabola through it decides. A dense grid of that
/// precision takes ln(highest / lowest) / ln(precision) points, 73 for 1 to 1,024 at 1.1, most of
/// them far from the knee; this takes about log2(knee) + 2 + 6.
///
/// Without state of its own beyond the points: told the same ones in any order it says the same, so
/// a sweep that was cut off goes on where it was.
class SweepPlan {
 public:
  enum class Stage { Rise, Refine, Done };

  /// Limits as check() accepts them.
  explicit SweepPlan(const SweepLimits& limits) : limits_(limits) {}

  void add(const SweepPoint& point);

  struct Step {
    Stage stage = Stage::Done;
    double load = 0;  // nothing to measure when done
    /// For people: why this load, or why there is no further one.
    std::string reason;
  };
  Step next() const;

  /// The knee of what was measured. Found only when power falls past it by more than the
  /// measurement's own error; otherwise not reached.
  curve::Knee knee() const;

  /// About how many points are still to come; for progress.
  std::size_t points_left() const;

  const std::vector<SweepPoint>& points() const { return points_; }

 private:
  bool measured(double load) const;
  double whole(double load) const;
  std::vector<curve::LoadPoint> curve() const;
  bool risen(const curve::Knee& knee) const;
  std::optional<double> middle_of_gap(const curve::Knee& knee) const;

  SweepLimits limits_;
  std::vector<SweepPoint> points_;  // ascending load
};

}  // namespace kneepoint::loadgen
