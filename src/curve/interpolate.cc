#include "curve/interpolate.h"

#include <cmath>

#include "curve/ladder.h"

namespace kneepoint::curve {

namespace {

/// std::lerp stays between its ends, but answers with one of them where the other is NaN.
double line(double a, double b, double share) {
  return metrics::is_missing(a) || metrics::is_missing(b) ? metrics::kMissing
                                                          : std::lerp(a, b, share);
}

}  // namespace

LoadPoint between(const LoadPoint& a, const LoadPoint& b, double share) {
  LoadPoint point;
  point.load = line(a.load, b.load, share);
  point.requests_per_second = line(a.requests_per_second, b.requests_per_second, share);
  point.output_tokens_per_second =
      line(a.output_tokens_per_second, b.output_tokens_per_second, share);
  point.input_tokens_per_second = line(a.input_tokens_per_second, b.input_tokens_per_second, share);
  for (const metrics::Metric m : metrics::kMetrics) {
    for (const metrics::Statistic s : metrics::kStatistics) {
      point.latency.set(m, s, line(a.latency.get(m, s), b.latency.get(m, s), share));
    }
  }
  return point;
}

std::optional<LoadPoint> interpolate(std::span<const LoadPoint> points, double load) {
  const Ladder ladder(points, Ladder::Keep::All);
  const std::size_t at_or_below = ladder.count_up_to(load);
  if (at_or_below == 0) return std::nullopt;
  const std::size_t lower = at_or_below - 1;
  if (ladder.load(lower) == load) return ladder.point(lower);
  if (at_or_below == ladder.size()) return std::nullopt;
  const double share =
      (load - ladder.load(lower)) / (ladder.load(at_or_below) - ladder.load(lower));
  LoadPoint point = between(ladder.point(lower), ladder.point(at_or_below), share);
  point.load = load;
  return point;
}

}  // namespace kneepoint::curve
