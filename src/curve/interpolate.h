#pragma once

#include <optional>
#include <span>

#include "curve/point.h"

namespace kneepoint::curve {

/// The point at `load`: a measured one as it is, otherwise every figure linear in load between the
/// two measured neighbours; nothing outside the measured range, and NaN where a neighbour has no
/// figure. So no figure leaves the range of its two neighbours. Throughput bends down and latency
/// bends up with load, so the straight line promises a little less than the server would deliver.
std::optional<LoadPoint> interpolate(std::span<const LoadPoint> points, double load);

}  // namespace kneepoint::curve
