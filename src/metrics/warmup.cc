#include "metrics/warmup.h"

#include <fmt/format.h>

#include <limits>
#include <numeric>

namespace kneepoint::metrics {
namespace {

constexpr std::size_t kGroup = 5;
// With fewer groups than this the standard error of half of them says nothing.
constexpr std::size_t kLeastGroups = 10;

}  // namespace

WarmupCut mser5(std::span<const double> series) {
  WarmupCut out{.cut = 0, .values = series.size(), .settled = false};
  const std::size_t groups = series.size() / kGroup;
  if (groups < kLeastGroups) return out;

  // Mean and sum of squares of groups cut..groups-1, one more group in front at a time (Welford).
  double mean = 0, squares = 0;
  double least = std::numeric_limits<double>::infinity();
  std::size_t best = 0;
  for (std::size_t cut = groups; cut-- > 0;) {
    const auto group = series.subspan(cut * kGroup, kGroup);
    const double value = std::accumulate(group.begin(), group.end(), 0.0) / kGroup;
    const auto kept = static_cast<double>(groups - cut);
    const double away = value - mean;
    mean += away / kept;
    squares += away * (value - mean);
    // The very last groups are left out of the search: one alone has no spread at all.
    if (groups - cut < kLeastGroups / 2) continue;
    const double error = squares / (kept * kept);
    // Of equals the earliest: a constant series is steady from its start.
    if (error <= least) {
      least = error;
      best = cut;
    }
  }
  if (best * 2 > groups) return out;
  out.cut = best * kGroup;
  out.settled = true;
  return out;
}

std::string describe(const WarmupCut& cut, std::string_view what) {
  if (!cut.settled) {
    return fmt::format("warm-up by {}: {} {} never settle, none dropped; run longer", kWarmupMethod,
                       cut.values, what);
  }
  return fmt::format("warm-up by {}: first {} of {} {} dropped", kWarmupMethod, cut.cut, cut.values,
                     what);
}

}  // namespace kneepoint::metrics
