#include "loadgen/sweep_plan.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace kneepoint::loadgen {
namespace {

using curve::Knee;
using curve::KneeState;
using curve::LoadKind;

constexpr double kDoubling = 2;
// Loads as doublings give them, with room for rounding to whole clients.
constexpr double kAlmost = 0.97;
// A top this flat is filled evenly: the share of the greatest power and the widest gap allowed.
constexpr double kTopShare = 0.85;
constexpr double kTopGap = 1.2;

/// The power of one load as a share of another's, by curve/knee.h: in an open loop by TTFT or by
/// end-to-end time, whichever says less.
double power_share(const curve::LoadPoint& at, const curve::LoadPoint& of, LoadKind kind) {
  const auto throughput = [](const curve::LoadPoint& point) {
    return point.output_tokens_per_second > 0 ? point.output_tokens_per_second
                                              : point.requests_per_second;
  };
  const double x = throughput(at) / throughput(of);
  double least = metrics::kMissing;
  if (kind == LoadKind::RequestRate) {
    for (const metrics::Metric metric : {metrics::Metric::Ttft, metrics::Metric::E2e}) {
      const double slower = at.latency.get(metric, metrics::Statistic::Mean) /
                            of.latency.get(metric, metrics::Statistic::Mean);
      if (slower > 0) least = std::fmin(least, x * x * x * x / slower);
    }
  }
  return metrics::is_missing(least) ? x * x * x * x * x * of.load / at.load : least;
}

}  // namespace

void SweepPlan::add(const SweepPoint& point) {
  const auto place =
      std::upper_bound(points_.begin(), points_.end(), point.at.load,
                       [](double load, const SweepPoint& other) { return load < other.at.load; });
  points_.insert(place, point);
}

bool SweepPlan::measured(double load) const {
  return std::any_of(points_.begin(), points_.end(), [load](const SweepPoint& point) {
    return std::abs(point.at.load - load) <= 1e-9 * load;
  });
}

double SweepPlan::whole(double load) const {
  if (limits_.kind == LoadKind::Concurrency) load = std::max(1.0, std::round(load));
  return std::clamp(load, limits_.lowest, limits_.highest);
}

std::vector<curve::LoadPoint> SweepPlan::curve() const {
  std::vector<curve::LoadPoint> result;
  result.reserve(points_.size());
  for (const SweepPoint& point : points_) result.push_back(point.at);
  return result;
}

Knee SweepPlan::knee() const {
  const auto measured = curve();
  Knee knee = find_knee(measured, limits_.kind);
  if (knee.state != KneeState::Found) return knee;
  // Some load past it must have less throughput than equal power would take, by more than both may
  // be in error. In an open loop the server decides the time in the system and not the throughput:
  // what its interval shows is how requests arrived, and all loads arrive by the same draws.
  const bool open_loop = limits_.kind == LoadKind::RequestRate;
  const SweepPoint& best = points_[knee.index];
  const auto error_of = [open_loop](const SweepPoint& point) {
    return !open_loop && std::isfinite(point.throughput_error) ? point.throughput_error : 0;
  };
  for (const SweepPoint& point : points_) {
    if (point.at.load <= knee.load) continue;
    const double share = power_share(point.at, best.at, limits_.kind);
    const double missing = 1 - std::pow(share, open_loop ? 1.0 / 4 : 1.0 / 5);
    if (missing > std::hypot(error_of(best), error_of(point))) return knee;
  }
  knee.state = KneeState::NotReached;
  knee.index = points_.size() - 1;
  knee.load = knee.highest_load;
  return knee;
}

bool SweepPlan::risen(const Knee& knee) const {
  const SweepPoint& top = points_.back();
  if (top.at.load >= limits_.highest * kAlmost) return true;
  if (knee.state != KneeState::Found) return false;
  if (limits_.kind == LoadKind::RequestRate && top.overloaded) return true;
  return top.at.load >= knee.load * kDoubling * kDoubling * kAlmost;
}

std::optional<double> SweepPlan::middle_of_gap(const Knee& knee) const {
  const curve::LoadPoint& best = points_[knee.index].at;
  std::optional<double> chosen;
  double widest = 1;
  for (std::size_t i = 0; i + 1 < points_.size(); ++i) {
    const double low = points_[i].at.load;
    const double high = points_[i + 1].at.load;
    if (low == high) continue;
    const bool beside = low == knee.load || high == knee.load;
    const bool flat = power_share(points_[i].at, best, limits_.kind) >= kTopShare &&
                      power_share(points_[i + 1].at, best, limits_.kind) >= kTopShare;
    if (!beside && !flat) continue;
    const double gap = high / low;
    if (gap <= (beside ? limits_.precision : kTopGap) * (1 + 1e-9)) continue;
    const double middle = whole(std::sqrt(low * high));
    if (middle <= low || middle >= high || measured(middle)) continue;
    if (gap > widest) {
      widest = gap;
      chosen = middle;
    }
  }
  return chosen;
}

SweepPlan::Step SweepPlan::next() const {
  if (points_.empty()) return {Stage::Rise, whole(limits_.lowest), "idle first"};
  const std::size_t most = std::max(limits_.most_points, curve::kFewestLoads);
  const Knee found = knee();
  if (points_.size() >= most) {
    return {Stage::Done, 0,
            std::to_string(points_.size()) + " points measured, the most allowed; " +
                sentence(found, limits_.kind)};
  }
  if (!risen(found)) {
    const double load = whole(points_.back().at.load * kDoubling);
    if (!measured(load)) return {Stage::Rise, load, "throughput may still grow"};
  }
  // The lowest load may already be past it.
  const double bottom = points_.front().at.load;
  if (found.state == KneeState::Found && found.load == bottom) {
    const double load = whole(bottom / kDoubling);
    if (load < bottom) return {Stage::Refine, load, "the knee may lie below"};
  }
  if (found.state == KneeState::TooFewPoints) {
    // Few clients at most: all there is between the lowest and the highest.
    for (std::size_t i = 0; i + 1 < points_.size(); ++i) {
      const double middle = whole((points_[i].at.load + points_[i + 1].at.load) / 2);
      if (!measured(middle)) return {Stage::Refine, middle, "too few loads for a statement"};
    }
  }
  if (found.state == KneeState::Found) {
    if (const auto load = middle_of_gap(found)) {
      return {Stage::Refine, *load, "around the " + sentence(found, limits_.kind)};
    }
  }
  return {Stage::Done, 0, sentence(found, limits_.kind)};
}

std::size_t SweepPlan::points_left() const {
  const Step step = next();
  if (step.stage == Stage::Done) return 0;
  const auto refining =
      2 * static_cast<std::size_t>(std::max(
              1.0, std::ceil(std::log2(std::log(kDoubling) / std::log(limits_.precision)))));
  std::size_t left = refining;
  if (step.stage == Stage::Rise) {
    const double top = points_.empty() ? limits_.lowest : points_.back().at.load;
    const double doublings = std::log2(std::max(1.0, limits_.highest / top));
    left += static_cast<std::size_t>(std::min(doublings, 4.0));
  } else {
    // How far the wider gap beside the knee has already shrunk.
    const auto found = knee();
    double widest = 1;
    for (std::size_t i = 0; i + 1 < points_.size(); ++i) {
      const double low = points_[i].at.load;
      const double high = points_[i + 1].at.load;
      if (low == found.load || high == found.load) widest = std::max(widest, high / low);
    }
    const double halvings =
        std::ceil(std::log2(std::max(1.0, std::log(widest) / std::log(limits_.precision))));
    left = std::max<std::size_t>(1, 2 * static_cast<std::size_t>(halvings));
  }
  return std::min(left, limits_.most_points - std::min(limits_.most_points, points_.size()));
}

}  // namespace kneepoint::loadgen
