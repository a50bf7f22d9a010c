#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace kneepoint::metrics {

/// Where a run has settled, read from its data and not from a stop-watch. `cut` values at the front
/// belong to the warm-up.
struct WarmupCut {
  std::size_t cut = 0;
  std::size_t values = 0;
  /// False: nowhere in the first half does the run settle, or it is too short to tell. Nothing is
  /// cut then, and what comes out is no steady state.
  bool settled = false;
};

/// The method, as reports name it.
inline constexpr std::string_view kWarmupMethod = "MSER-5";

/// The cut by MSER-5 for a series in its order of time (TTFTs by when the requests were due).
///
/// Of all places to cut, MSER takes the one where the mean of what remains is surest, by the
/// squared standard error: dropping a transient makes the rest more even, dropping good data makes
/// it fewer. Over means of five, which takes the edge off single outliers. A minimum in the second
/// half does not count: a few alike values at the end always look sure. One pass from the back,
/// O(n).
///
/// White (1997), "An effective truncation heuristic for bias reduction in simulation output";
/// fives: White, Cobb, Spratt (2000), "A comparison of five steady-state truncation heuristics".
/// The usual alternatives are a fixed share or time, which knows nothing of the run, and Welch's
/// plot, which needs several runs and an eye.
WarmupCut mser5(std::span<const double> series);

/// "warm-up by MSER-5: first 35 of 1000 requests dropped"; with `what` the values are.
std::string describe(const WarmupCut& cut, std::string_view what);

}  // namespace kneepoint::metrics
