#pragma once

#include <cstdint>
#include <span>

#include "base/random.h"
#include "workload/length.h"

namespace kneepoint::workload {

/// The first draw of `lengths` from each of the streams from `first` on, as draw() gives it.
void draw_first(const LengthDistribution& lengths, const RandomStreams& streams,
                std::uint64_t first, std::span<Tokens> out);

}  // namespace kneepoint::workload
