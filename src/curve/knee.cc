#include "curve/knee.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

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

// A flat top measured densely: which of its loads comes out highest is decided by noise. The top
// goes from the first load with at least this share of the greatest power to the last. From so many
// loads on a parabola through them says where its middle is, unless they scatter less than noise.
constexpr double kTopShare = 0.85;
constexpr std::size_t kFewestOfTop = 5;
constexpr double kNoScatter = 0.006;

struct Parabola {
  double peak;     // abscissa; NaN when it has none
  double scatter;  // root mean square of what it leaves
};

/// Least squares, with the abscissae taken from their mean.
Parabola fit_parabola(std::span<const double> x, std::span<const double> y) {
  const auto n = static_cast<double>(x.size());
  double middle = 0;
  double mean = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    middle += x[i] / n;
    mean += y[i] / n;
  }
  double s2 = 0, s3 = 0, s4 = 0, t1 = 0, t2 = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = x[i] - middle;
    const double v = y[i] - mean;
    s2 += u * u;
    s3 += u * u * u;
    s4 += u * u * u * u;
    t1 += u * v;
    t2 += u * u * v;
  }
  // v = slope u + bend (u^2 - s2 / n): the second column has its mean taken out.
  const double q2 = s4 - s2 * s2 / n;
  const double determinant = s2 * q2 - s3 * s3;
  if (!(determinant > 0)) return {metrics::kMissing, 0};
  const double slope = (t1 * q2 - t2 * s3) / determinant;
  const double bend = (t2 * s2 - t1 * s3) / determinant;
  double left = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = x[i] - middle;
    const double residual = y[i] - mean - slope * u - bend * (u * u - s2 / n);
    left += residual * residual / n;
  }
  return {bend < 0 ? middle - slope / (2 * bend) : metrics::kMissing, std::sqrt(left)};
}

/// The position of the knee by `power`: of its maximum, or of the middle of a flat noisy top.
template <class Power>
std::size_t position_of_knee(const Ladder& ladder, Power power) {
  const std::size_t best = position_of_most(ladder.size(), power);
  const double least = kTopShare * power(best);
  std::size_t from = 0;
  std::size_t to = ladder.size() - 1;
  while (power(from) < least) ++from;
  while (power(to) < least) --to;
  // A top that reaches the highest load has not been seen to end.
  if (to - from + 1 < kFewestOfTop || to + 1 == ladder.size() || !(least > 0)) return best;

  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t i = from; i <= to; ++i) {
    x.push_back(std::log(ladder.load(i)));
    y.push_back(std::log(power(i)));
  }
  const Parabola parabola = fit_parabola(x, y);
  if (metrics::is_missing(parabola.peak) || parabola.scatter <= kNoScatter) return best;
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < x.size(); ++i) {
    if (std::abs(x[i] - parabola.peak) < std::abs(x[nearest] - parabola.peak)) nearest = i;
  }
  return from + nearest;
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
      const std::size_t here = position_of_knee(ladder, [&](std::size_t i) {
        return fourth_power(share(i)) / ladder.point(i).latency.get(metric, *statistic);
      });
      earliest = std::min(earliest, here);
    }
    if (earliest < ladder.size()) return earliest;
  }
  return position_of_knee(ladder, [&](std::size_t i) {
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
  // Clients are whole; a rate reached by halving has more digits than anybody reads.
  const auto clients = [&](double load) {
    const double shown =
        load == std::round(load) ? load : *parse_number(fmt::format("{:.4g}", load));
    return shortest(shown) + " " + std::string(unit(kind));
  };
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
