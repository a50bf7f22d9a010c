#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <vector>

#include "curve/operating_point.h"
#include "curve/point.h"
#include "metrics/metric.h"

/// What knee, interpolation and operating point share; for whoever asks all of them of thousands of
/// curves.
namespace kneepoint::curve {

/// Which figure ranks the points of a curve. One for the whole curve: the one most points have;
/// of equals, in this order.
enum class Throughput { OutputTokens, Requests, InputTokens, None };

/// A curve as steps of rising load, one measured point for each distinct load. Points without a
/// load are left out, and so are points without the ranking figure where others have it. Where a
/// load was run more than once, the run with the median throughput speaks for it (of two, the lower
/// one): a whole measured point, since a mix of runs would be a state nobody saw.
///
/// Lives on the stack and allocates only for curves of more than 32 points.
class Ladder {
 public:
  enum class Keep { Ranked, All };
  explicit Ladder(std::span<const LoadPoint> points, Keep keep = Keep::Ranked);
  Ladder(const Ladder&) = delete;
  Ladder& operator=(const Ladder&) = delete;

  std::size_t size() const { return rungs_.size(); }
  bool empty() const { return rungs_.empty(); }
  Throughput figure() const { return figure_; }

  /// By position in ascending load. index() is the place among the points given.
  double load(std::size_t i) const { return rungs_[i].load; }
  double throughput(std::size_t i) const { return rungs_[i].throughput; }
  std::size_t index(std::size_t i) const { return rungs_[i].index; }
  const LoadPoint& point(std::size_t i) const { return points_[rungs_[i].index]; }

  /// How many steps lie at or below `load`.
  std::size_t count_up_to(double load) const;

 private:
  struct Rung {
    double load;
    double throughput;  // NaN where there is none
    std::uint32_t index;
  };
  void keep_one_per_load();

  std::span<const LoadPoint> points_;
  Throughput figure_ = Throughput::None;
  std::array<std::byte, 32 * sizeof(Rung)> buffer_;
  std::pmr::monotonic_buffer_resource memory_{buffer_.data(), buffer_.size()};
  std::pmr::vector<Rung> rungs_{&memory_};
};

/// The one statistic to read `metric` by over the lowest `count` steps: of the ones `rule` allows,
/// nearest first, the first that every step has; failing that, the first that any step has.
std::optional<metrics::Statistic> choose_statistic(const Ladder& ladder, std::size_t count,
                                                   metrics::Metric metric,
                                                   metrics::Statistic wanted, StatisticRule rule);

/// As those of operating_point.h, of the ladder and the knee that are known already.
tl::expected<OperatingPoint, NoOperatingPoint> find_operating_point(const Ladder& ladder,
                                                                    const Knee& knee,
                                                                    std::span<const Target> targets,
                                                                    StatisticRule rule);
Range reachable(const Ladder& ladder, const Knee& knee, metrics::Metric metric,
                metrics::Statistic statistic, StatisticRule rule);

/// The point a share of the way (0 to 1) from `a` to `b`, every figure linear; NaN where either
/// has none.
LoadPoint between(const LoadPoint& a, const LoadPoint& b, double share);

}  // namespace kneepoint::curve
