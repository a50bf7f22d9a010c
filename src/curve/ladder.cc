#include "curve/ladder.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace kneepoint::curve {
namespace {

using metrics::kMissing;
using metrics::Statistic;

double figure_of(const LoadPoint& point, Throughput figure) {
  double value = kMissing;
  switch (figure) {
    case Throughput::OutputTokens:
      value = point.output_tokens_per_second;
      break;
    case Throughput::Requests:
      value = point.requests_per_second;
      break;
    case Throughput::InputTokens:
      value = point.input_tokens_per_second;
      break;
    case Throughput::None:
      break;
  }
  return std::isfinite(value) && value >= 0 ? value : kMissing;
}

bool has_load(const LoadPoint& point) { return std::isfinite(point.load) && point.load > 0; }

Throughput choose_figure(std::span<const LoadPoint> points) {
  Throughput best = Throughput::None;
  std::ptrdiff_t most = 0;
  for (const Throughput figure :
       {Throughput::OutputTokens, Throughput::Requests, Throughput::InputTokens}) {
    const auto have = std::ranges::count_if(points, [&](const LoadPoint& point) {
      return has_load(point) && figure_of(point, figure) > 0;
    });
    if (have > most) {
      most = have;
      best = figure;
    }
    if (most == std::ssize(points)) break;  // no other can have more
  }
  return best;
}

}  // namespace

Ladder::Ladder(std::span<const LoadPoint> points, Keep keep)
    : points_(points), figure_(choose_figure(points)) {
  rungs_.reserve(points.size());
  const bool need_figure = keep == Keep::Ranked && figure_ != Throughput::None;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (!has_load(points[i])) continue;
    const double throughput = figure_of(points[i], figure_);
    if (need_figure && metrics::is_missing(throughput)) continue;
    rungs_.push_back({points[i].load, throughput, static_cast<std::uint32_t>(i)});
  }
  const auto rising = [](const Rung& a, const Rung& b) { return a.load < b.load; };
  if (std::ranges::adjacent_find(rungs_, std::ranges::greater_equal{}, &Rung::load) ==
      rungs_.end()) {
    return;  // the usual case: already in order, each load once
  }
  std::ranges::sort(rungs_, rising);
  keep_one_per_load();
}

void Ladder::keep_one_per_load() {
  auto kept = rungs_.begin();
  for (auto first = rungs_.begin(); first != rungs_.end();) {
    const auto end =
        std::find_if(first, rungs_.end(), [&](const Rung& r) { return r.load != first->load; });
    // Runs with a figure in ascending order, then those without; equals in the order given.
    std::sort(first, end, [](const Rung& a, const Rung& b) {
      const bool no_a = metrics::is_missing(a.throughput), no_b = metrics::is_missing(b.throughput);
      if (no_a || no_b) return std::tuple(no_a, a.index) < std::tuple(no_b, b.index);
      return std::tuple(a.throughput, a.index) < std::tuple(b.throughput, b.index);
    });
    const auto ranked =
        std::find_if(first, end, [](const Rung& r) { return metrics::is_missing(r.throughput); });
    const auto runs = ranked - first;
    *kept++ = runs > 0 ? first[(runs - 1) / 2] : *first;
    first = end;
  }
  rungs_.erase(kept, rungs_.end());
}

std::size_t Ladder::count_up_to(double load) const {
  std::size_t count = 0;
  while (count < size() && rungs_[count].load <= load) ++count;
  return count;
}

std::optional<Statistic> choose_statistic(const Ladder& ladder, std::size_t count,
                                          metrics::Metric metric, Statistic wanted,
                                          StatisticRule rule) {
  std::optional<Statistic> somewhere;
  for (const Statistic statistic : metrics::by_nearness(wanted)) {
    std::size_t have = 0;
    for (std::size_t i = 0; i < count; ++i) {
      have += ladder.point(i).latency.has(metric, statistic) ? 1U : 0U;
    }
    if (have > 0 && have == count) return statistic;
    if (have > 0 && !somewhere) somewhere = statistic;
    if (rule == StatisticRule::Exact) break;
  }
  return somewhere;
}

}  // namespace kneepoint::curve
