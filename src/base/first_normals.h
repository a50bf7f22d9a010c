#pragma once

#include <cstdint>
#include <span>

#include "base/random.h"

namespace kneepoint {

/// Of each of the streams from `first` on the number that its first normal() would be. Many at once
/// take half the time of one by one: each waits for a logarithm, which here overlap.
void first_normals(const RandomStreams& streams, std::uint64_t first, std::span<double> out);

}  // namespace kneepoint
