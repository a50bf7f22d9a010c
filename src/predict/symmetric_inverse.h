#pragma once

#include <cstddef>

namespace kneepoint::predict {

/// Replaces a symmetric, positive matrix of `n` rows (one after the other, its lower triangle is
/// read) by its inverse. False when it is not positive; then its content is lost. Costs n^3
/// multiplications and as many additions: half of what solving for the unit matrix costs.
bool invert_symmetric(double* matrix, std::size_t n);

}  // namespace kneepoint::predict
