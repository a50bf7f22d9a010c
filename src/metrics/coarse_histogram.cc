#include "metrics/coarse_histogram.h"

#include <cmath>

namespace kneepoint::metrics {

void CoarseHistogram::merge(const CoarseHistogram& other) {
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    cells_[i] = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        std::uint64_t{cells_[i]} + other.cells_[i], std::numeric_limits<std::uint32_t>::max()));
  }
  count_ += other.count_;
}

std::optional<Nanos> CoarseHistogram::quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const double place = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_) *
                                 (1 - 4 * std::numeric_limits<double>::epsilon()));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(place));
  std::uint64_t before = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < cells_.size() && before < rank; ++i) {
    if (cells_[i] == 0) continue;
    before += cells_[i];
    last = i;
  }
  const auto octave = static_cast<int>(last / kBuckets) + kFirstOctave;
  const std::int64_t width = std::int64_t{1} << (octave - kBits);
  const auto bucket = static_cast<std::int64_t>(last % kBuckets);
  return Nanos((std::int64_t{1} << octave) + bucket * width + width / 2);
}

}  // namespace kneepoint::metrics
