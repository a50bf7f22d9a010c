#include "curve/operating_point.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory_resource>
#include <optional>

#include "curve/ladder.h"

namespace kneepoint::curve {
namespace {

using metrics::Metric;
using metrics::Statistic;

constexpr double kFar = std::numeric_limits<double>::infinity();

/// A target, and the statistic it is read by on this curve.
struct Bound {
  Metric metric;
  Statistic asked, used;
  double at_most_ms;

  double value(const LoadPoint& point) const { return point.latency.get(metric, used); }
  bool holds(const LoadPoint& point) const { return value(point) <= at_most_ms; }  // NaN: no
  /// How many times the bound a value is; a bound that no time can meet is infinitely far.
  double excess(double ms) const {
    return at_most_ms > 0 && !metrics::is_missing(ms) ? ms / at_most_ms : kFar;
  }
  double excess(const LoadPoint& point) const { return excess(value(point)); }
};

/// The part of the curve a request may be placed on.
struct Reach {
  const Ladder& ladder;
  std::size_t count;  // steps at or below the knee
  bool interpolate;
  std::span<const Bound> bounds;

  bool meets(const LoadPoint& point) const {
    return std::ranges::all_of(bounds, [&](const Bound& bound) { return bound.holds(point); });
  }
  double worth(std::size_t i) const {
    return ladder.figure() == Throughput::None ? ladder.load(i) : ladder.throughput(i);
  }
};

/// A place on the curve: a share of the way from step `lower` to the next.
struct Place {
  std::size_t lower = 0;
  double share = 0;
  double worth = -1;
};

struct Interval {
  double from = 0, to = 1;
};

/// The shares of the way from `a` to `b` at which every bound holds.
std::optional<Interval> where_all_hold(const LoadPoint& a, const LoadPoint& b,
                                       std::span<const Bound> bounds) {
  Interval interval;
  for (const Bound& bound : bounds) {
    const double at_a = bound.value(a), at_b = bound.value(b), most = bound.at_most_ms;
    if (!(at_a <= most) && !(at_b <= most)) return std::nullopt;
    if (metrics::is_missing(at_a) || metrics::is_missing(at_b)) return std::nullopt;
    if (at_b > most) interval.to = std::min(interval.to, (most - at_a) / (at_b - at_a));
    if (at_a > most) interval.from = std::max(interval.from, (at_a - most) / (at_a - at_b));
  }
  if (interval.from > interval.to) return std::nullopt;
  return interval;
}

std::optional<Place> best_place(const Reach& reach) {
  std::optional<Place> best;
  const auto offer = [&](Place place) {
    if (!best || place.worth > best->worth) best = place;
  };
  for (std::size_t i = 0; i < reach.count; ++i) {
    if (reach.meets(reach.ladder.point(i))) offer({i, 0, reach.worth(i)});
    if (!reach.interpolate || i + 1 == reach.count) continue;
    const auto held =
        where_all_hold(reach.ladder.point(i), reach.ladder.point(i + 1), reach.bounds);
    if (!held) continue;
    for (const double share : {held->from, held->to}) {
      if (share <= 0 || share >= 1) continue;  // a measured point, offered as such
      offer({i, share, std::lerp(reach.worth(i), reach.worth(i + 1), share)});
    }
  }
  return best;
}

OperatingPoint at(const Reach& reach, const Place& place, const Knee& knee) {
  OperatingPoint result;
  result.lower = result.upper = reach.ladder.index(place.lower);
  result.point = reach.ladder.point(place.lower);
  if (place.share > 0) {
    result.interpolated = true;
    result.upper = reach.ladder.index(place.lower + 1);
    result.point = between(result.point, reach.ladder.point(place.lower + 1), place.share);
    // The place was chosen so that a bound is just met; rounding must not lift it over.
    for (const Bound& bound : reach.bounds) {
      result.point.latency.set(bound.metric, bound.used,
                               std::min(bound.value(result.point), bound.at_most_ms));
    }
  }
  result.zone = zone_of(knee, result.point.load);
  for (const Bound& bound : reach.bounds) {
    if (bound.used != bound.asked) {
      result.substitutes.push_back({bound.metric, bound.asked, bound.used});
    }
  }
  return result;
}

/// Which bound to name when no place meets all.
NoOperatingPoint why_not(const Reach& reach) {
  NoOperatingPoint answer{Miss::MissesTarget, reach.bounds.front().metric,
                          reach.bounds.front().used, metrics::kMissing};
  // Out of reach by itself: the farthest one, at its own best.
  double farthest = 1;
  for (const Bound& bound : reach.bounds) {
    double best = kFar;
    for (std::size_t i = 0; i < reach.count; ++i) {
      best = std::fmin(best, bound.value(reach.ladder.point(i)));
    }
    if (bound.excess(best) > farthest) {
      farthest = bound.excess(best);
      answer = {Miss::MissesTarget, bound.metric, bound.used, best};
    }
  }
  if (farthest > 1) return answer;
  // Each can be met, but not at one load: the worst one at the load that comes nearest.
  double nearest = kFar;
  for (std::size_t i = 0; i < reach.count; ++i) {
    const LoadPoint& point = reach.ladder.point(i);
    const Bound& worst = *std::ranges::max_element(
        reach.bounds, {}, [&](const Bound& bound) { return bound.excess(point); });
    if (worst.excess(point) < nearest) {
      nearest = worst.excess(point);
      answer = {Miss::MissesTarget, worst.metric, worst.used, worst.value(point)};
    }
  }
  return answer;
}

std::size_t steps_within(const Ladder& ladder, const Knee& knee) {
  return knee.state == KneeState::Found ? ladder.count_up_to(knee.load) : ladder.size();
}

}  // namespace

tl::expected<OperatingPoint, NoOperatingPoint> find_operating_point(
    std::span<const LoadPoint> points, LoadKind kind, std::span<const Target> targets,
    StatisticRule rule) {
  const Ladder ladder(points);
  return find_operating_point(ladder, find_knee(ladder, kind), targets, rule);
}

tl::expected<OperatingPoint, NoOperatingPoint> find_operating_point(const Ladder& ladder,
                                                                    const Knee& knee,
                                                                    std::span<const Target> targets,
                                                                    StatisticRule rule) {
  const std::size_t count = steps_within(ladder, knee);

  std::array<std::byte, 8 * sizeof(Bound)> buffer;
  std::pmr::monotonic_buffer_resource memory(buffer.data(), buffer.size());
  std::pmr::vector<Bound> bounds(&memory);
  bounds.reserve(targets.size());
  for (const Target& target : targets) {
    const auto used = choose_statistic(ladder, count, target.metric, target.statistic, rule);
    if (!used) {
      return tl::unexpected(
          NoOperatingPoint{Miss::StatisticMissing, target.metric, target.statistic});
    }
    bounds.push_back({target.metric, target.statistic, *used, target.at_most_ms});
  }
  if (ladder.empty()) {
    return tl::unexpected(NoOperatingPoint{Miss::StatisticMissing, Metric::E2e, Statistic::Mean});
  }

  const bool steady = knee.state == KneeState::Found || knee.state == KneeState::NotReached;
  const Reach reach{ladder, count, steady, bounds};
  if (const auto place = best_place(reach)) return at(reach, *place, knee);
  return tl::unexpected(why_not(reach));
}

Range reachable(std::span<const LoadPoint> points, const Knee& knee, Metric metric,
                Statistic statistic, StatisticRule rule) {
  return reachable(Ladder(points), knee, metric, statistic, rule);
}

Range reachable(const Ladder& ladder, const Knee& knee, Metric metric, Statistic statistic,
                StatisticRule rule) {
  const std::size_t count = steps_within(ladder, knee);
  Range range;
  const auto used = choose_statistic(ladder, count, metric, statistic, rule);
  if (!used) return range;
  for (std::size_t i = 0; i < count; ++i) {
    const double ms = ladder.point(i).latency.get(metric, *used);
    range.min = std::fmin(range.min, ms);
    range.max = std::fmax(range.max, ms);
  }
  return range;
}

}  // namespace kneepoint::curve
