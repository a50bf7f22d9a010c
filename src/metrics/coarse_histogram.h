#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/units.h"

namespace kneepoint::metrics {

/// Durations at a glance, for the points of a time series: percentiles within 0.8 %, in memory that
/// is the same from the first value to the last. What is reported of a run comes from Histogram.
///
/// As there, but each octave has 64 buckets, and there are only the octaves from 16 us to 4.6
/// minutes: what lies outside counts as the least or the greatest of them.
class CoarseHistogram {
 public:
  static constexpr double kRelativeError = 1.0 / 128;

  void record(Nanos value, std::uint64_t times = 1) {
    const auto ns = static_cast<std::uint64_t>(std::clamp(value.count(), kLeast, kMost));
    const int octave = static_cast<int>(std::bit_width(ns)) - 1;
    const auto bucket = (ns >> (octave - kBits)) & (kBuckets - 1);
    std::uint32_t& cell =
        cells_[static_cast<std::size_t>(octave - kFirstOctave) * kBuckets + bucket];
    cell = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(cell + times, std::numeric_limits<std::uint32_t>::max()));
    count_ += times;
  }

  void merge(const CoarseHistogram& other);
  void clear() { *this = {}; }
  std::uint64_t count() const { return count_; }

  /// By nearest rank, the middle of its bucket; nothing when empty.
  std::optional<Nanos> quantile(double q) const;

 private:
  static constexpr int kBits = 6;
  static constexpr std::size_t kBuckets = std::size_t{1} << kBits;
  static constexpr int kFirstOctave = 14, kOctaves = 24;
  static constexpr std::int64_t kLeast = std::int64_t{1} << kFirstOctave;
  static constexpr std::int64_t kMost = (std::int64_t{1} << (kFirstOctave + kOctaves)) - 1;

  std::array<std::uint32_t, kBuckets * kOctaves> cells_{};
  std::uint64_t count_ = 0;
};

}  // namespace kneepoint::metrics
