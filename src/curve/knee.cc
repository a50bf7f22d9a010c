#include "curve/knee.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "curve/ladder.h"

namespace kneepoint::curve {
namespace {

using metrics::kStatistics;
using metrics::Metric;
using metrics::Statistic;

// A later load is the knee only when its power is greater by more than rounding.
constexpr double kRounding = 1e-9;

constexpr std::array<std::string_view, 4> kStateNames{"found", "not_reached", "too_few_points",
                                                      "not_steady"};
constexpr std::array<std::string_view, 4> kZoneNames{"below", "at", "past", "unknown"};

constexpr double fourth_power(double x) { return (x * x) * (x * x); }

/// The position of the greatest value of `power`; of equals the lowest.
template <class Power>
std::size_t position_of_most(std::size_t size, Power power) {
  std::size_t best = 0;
  double most = power(0);
  for (std::size_t i = 1; i < size; ++i) {
    const double here = power(i);
    if (here > most * (1 + kRounding)) {
      most = here;
      best = i;
    }
  }
  return best;
}

/// A statistic of `metric` that every step has, the mean first: it feels the queue most.
std::optional<Statistic> shared_statistic(const Ladder& ladder, Metric metric) {
  for (const Statistic statistic : kStatistics) {
    bool all = true;
    for (std::size_t i = 0; all && i < ladder.size(); ++i) {
      const double ms = ladder.point(i).latency.get(metric, statistic);
      all = std::isfinite(ms) && ms > 0;
    }
    if (all) return statistic;
  }
  return std::nullopt;
}

std::size_t knee_position(const Ladder& ladder, LoadKind kind) {
  // As a share of the highest, so that no power leaves the range of double.
  double highest = 0;
  for (std::size_t i = 0; i < ladder.size(); ++i) highest = std::max(highest, ladder.throughput(i));
  const auto share = [&](std::size_t i) { return ladder.throughput(i) / highest; };

  if (kind == LoadKind::RequestRate) {
    std::size_t earliest = ladder.size();
    for (const Metric metric : {Metric::Ttft, Metric::E2e}) {
      const auto statistic = shared_statistic(ladder, metric);
      if (!statistic) continue;
      const std::size_t here = position_of_most(ladder.size(), [&](std::size_t i) {
        return fourth_power(share(i)) / ladder.point(i).latency.get(metric, *statistic);
      });
      earliest = std::min(earliest, here);
    }
    if (earliest < ladder.size()) return earliest;
  }
  return position_of_most(ladder.size(), [&](std::size_t i) {
    return fourth_power(share(i)) * share(i) / (ladder.load(i) / ladder.load(0));
  });
}

}  // namespace

std::string_view name(KneeState state) { return kStateNames[static_cast<std::size_t>(state)]; }
std::string_view name(Zone zone) { return kZoneNames[static_cast<std::size_t>(zone)]; }

Knee find_knee(std::span<const LoadPoint> points, LoadKind kind) {
  return find_knee(Ladder(points), kind);
}

Knee find_knee(const Ladder& ladder, LoadKind kind) {
  Knee knee;
  if (kind == LoadKind::Burst) knee.state = KneeState::NotASteadyState;
  if (ladder.empty()) return knee;

  const std::size_t last = ladder.size() - 1;
  std::size_t position = last;
  if (kind != LoadKind::Burst && ladder.size() >= kFewestLoads &&
      ladder.figure() != Throughput::None) {
    position = knee_position(ladder, kind);
    knee.state = position < last ? KneeState::Found : KneeState::NotReached;
  }
  knee.index = ladder.index(position);
  knee.load = ladder.load(position);
  knee.lowest_load = ladder.load(0);
  knee.highest_load = ladder.load(last);
  knee.loads = ladder.size();
  return knee;
}

std::string sentence(const Knee& knee, LoadKind kind) {
  const auto clients = [&](double load) { return shortest(load) + " " + std::string(unit(kind)); };
  switch (knee.state) {
    case KneeState::Found:
      if (knee.load == knee.lowest_load) {
        return "knee at or below " + clients(knee.load) + ", the lowest load measured";
      }
      return "knee at " + clients(knee.load);
    case KneeState::NotReached:
      return "not reached: highest load measured " + clients(knee.highest_load);
    case KneeState::TooFewPoints:
      if (knee.loads >= kFewestLoads) return "too few points: no throughput figures";
      return "too few points: " + std::to_string(knee.loads) +
             (knee.loads == 1 ? " load" : " loads") + " measured, a knee takes " +
             std::to_string(kFewestLoads);
    case KneeState::NotASteadyState:
      return "no knee: a burst is not a steady state";
  }
  return "";
}

Zone zone_of(const Knee& knee, double load) {
  if (!(load > 0)) return Zone::Unknown;
  switch (knee.state) {
    case KneeState::Found:
      return load < knee.load ? Zone::Below : load > knee.load ? Zone::Past : Zone::At;
    case KneeState::NotReached:
      return load <= knee.highest_load ? Zone::Below : Zone::Unknown;
    case KneeState::TooFewPoints:
    case KneeState::NotASteadyState:
      break;
  }
  return Zone::Unknown;
}

std::vector<Zone> zones(std::span<const LoadPoint> points, const Knee& knee) {
  std::vector<Zone> result;
  result.reserve(points.size());
  for (const LoadPoint& point : points) result.push_back(zone_of(knee, point.load));
  return result;
}

}  // namespace kneepoint::curve
