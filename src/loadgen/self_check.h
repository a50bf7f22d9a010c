#pragma once

#include "run/point.h"

namespace kneepoint::loadgen {

/// Past these a load point measures its load generator and is not valid. Each is there because of
/// what it does to the figures.
struct SelfBounds {
  /// Late requests are counted from when they were due, so lateness goes into TTFT in full: a
  /// millisecond, or this share of the median TTFT where that is more. p99; of fewer than 100
  /// requests p90, since one stumble is then all there is.
  double late_ms = 1;
  double late_share = 0.05;
  /// A core at its limit does not keep up with bursts, whatever the mean says.
  double core_share = 0.9;
  /// The kernel's stamps keep a late look out of the latencies, but not events that were read
  /// together: they take the stamp of the last. p99; 1 ms is intended (http::LoopOptions).
  double read_lag_ms = 10;
  /// Of the offered rate: below, the load was another one than asked for.
  double achieved_share = 0.98;
};

/// Sets `valid` and `reason` from the other members: the first bound that is broken, with what was
/// observed.
void judge(run::SelfCheck& self, double ttft_p50_ms, const SelfBounds& bounds = {});

}  // namespace kneepoint::loadgen
