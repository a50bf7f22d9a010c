#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace kneepoint::metrics {

/// Durations of a run, counted. Quantiles within 0.1 % of the exact ones, in memory that does not
/// grow with the number of values; count, sum, mean, least and greatest are exact. Two of them add
/// up to the one that had seen the values of both, so each thread fills its own.
///
/// Log-linear, as in HdrHistogram: each octave [2^e, 2^(e+1)) ns is cut into 512 equal buckets, so
/// a bucket is at most 1/512 of what lies in it, and its middle at most 1/1024 (0.098 %) away.
/// Below 1,024 ns a bucket is one nanosecond. The usual alternative is equal steps of the logarithm
/// (DDSketch): a quarter fewer buckets, but every record() then computes a logarithm.
///
/// Memory: 0.5 KiB, and 4 KiB for every octave that holds a value; octaves come when they are first
/// needed. From 1 us to 1 h that is 33 octaves, 133 KiB at most; over all of int64, 221 KiB. The
/// TTFTs of a load point usually touch three to six. Belongs to one thread.
class Histogram {
 public:
  /// How far a quantile can be from the exact one, as a share of it.
  static constexpr double kRelativeError = 1.0 / 1024;

  Histogram() = default;
  Histogram(const Histogram& other);
  Histogram& operator=(const Histogram& other);
  Histogram(Histogram&&) = default;
  Histogram& operator=(Histogram&&) = default;
  ~Histogram() = default;

  /// `times` values of `value`. Clocks that disagree can make a duration negative: it counts as 0.
  void record(Nanos value, std::uint64_t times = 1) {
    if (times == 0) return;
    const auto ns = static_cast<std::uint64_t>(value.count() < 0 ? 0 : value.count());
    const Place place = place_of(ns);
    Octave* octave = octaves_[place.octave].get();
    if (octave == nullptr) [[unlikely]]
      octave = &open(place.octave);
    (*octave)[place.bucket] += times;
    count_ += times;
    sum_ += Wide{ns} * times;
    if (ns < min_) min_ = ns;
    if (ns > max_) max_ = ns;
  }

  void merge(const Histogram& other);

  bool empty() const { return count_ == 0; }
  std::uint64_t count() const { return count_; }
  /// Nanoseconds; NaN when empty.
  double mean() const;
  /// As a double: the exact sum of a long run does not fit 64 bits.
  double sum() const { return static_cast<double>(sum_); }
  /// Exact. Zero when empty.
  Nanos min() const { return Nanos(empty() ? 0 : static_cast<std::int64_t>(min_)); }
  Nanos max() const { return Nanos(static_cast<std::int64_t>(max_)); }

  /// The nearest-rank quantile: the value at place ceil(q * count) of the sorted values, within
  /// kRelativeError of it. No interpolation, so of few values it is one that was seen. q is taken
  /// into [0, 1]; nothing when empty.
  std::optional<Nanos> quantile(double q) const;

  /// The buckets that hold something, ascending: values first..last, both inside.
  struct Bucket {
    Nanos first;
    Nanos last;
    std::uint64_t count;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };
  std::vector<Bucket> buckets() const;

  std::size_t memory_bytes() const;

  /// Equal content gives equal bytes; a few bytes for every bucket that holds something.
  std::string to_bytes() const;
  /// Refuses bytes that no histogram writes: cut, changed, or not adding up.
  static Result<Histogram> from_bytes(std::string_view bytes);

  friend bool operator==(const Histogram& a, const Histogram& b);

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr int kBits = 9;
  static constexpr std::size_t kBuckets = std::size_t{1} << kBits;  // of one octave
  // Row 0 holds 0..511 ns, row r the values of r + 9 bits, up to the 63 bits of an int64.
  static constexpr std::size_t kOctaves = 63 - kBits + 1;
  using Octave = std::array<std::uint64_t, kBuckets>;

  struct Place {
    std::size_t octave;
    std::size_t bucket;
  };
  static Place place_of(std::uint64_t ns) {
    // A value of up to 9 bits stands in row 0 as it is. With more, the leading bit names the row
    // and the nine after it the bucket. Or-ing the bit below row 1 in makes both one formula.
    const int octave = static_cast<int>(std::bit_width(ns | (kBuckets - 1))) - kBits;
    const int shift = octave == 0 ? 0 : octave - 1;
    return {static_cast<std::size_t>(octave), (ns >> shift) & (kBuckets - 1)};
  }
  static Bucket bucket_at(std::size_t octave, std::size_t bucket, std::uint64_t count);
  Octave& open(std::size_t octave);

  std::array<std::unique_ptr<Octave>, kOctaves> octaves_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t max_ = 0;
  Wide sum_ = 0;
};

}  // namespace kneepoint::metrics
