#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

/// Axes whose points lie evenly in the logarithm, found without a search: the bits of a floating
/// point number already say which octave and which part of it a value is in. Between points a
/// straight line in the value, which is exact for what grows in proportion.
namespace kneepoint::perfmodel {

/// 2^parts_log2 points per doubling, from 1 to 2^octaves; past the end the last line goes on.
template <unsigned parts_log2, std::size_t octaves>
struct LogGrid {
  static constexpr std::size_t kPoints = (octaves << parts_log2) + 1;
  using Values = std::array<double, kPoints>;

  struct Place {
    std::size_t index;  // below kPoints - 1
    double weight;      // of the point after it; above 1 only past the end
  };

  static constexpr double point(std::size_t index) {
    const double octave = static_cast<double>(std::uint64_t{1} << (index >> parts_log2));
    const auto part = static_cast<double>(index & ((1u << parts_log2) - 1));
    return octave * (1 + part / (1u << parts_log2));
  }

  static constexpr Values points() {
    Values out{};
    for (std::size_t i = 0; i < kPoints; ++i) out[i] = point(i);
    return out;
  }

  static Place place(double x) {
    constexpr unsigned kShift = 52 - parts_log2;
    constexpr std::uint64_t kBase = std::uint64_t{1023} << parts_log2;
    constexpr double kScale = 1.0 / static_cast<double>(std::uint64_t{1} << kShift);
    x = std::max(x, 1.0);
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const std::size_t index = (bits >> kShift) - kBase;
    if (index >= kPoints - 1) [[unlikely]] {
      const double from = point(kPoints - 2);
      return {kPoints - 2, (x - from) / (point(kPoints - 1) - from)};
    }
    return {index, static_cast<double>(bits & ((std::uint64_t{1} << kShift) - 1)) * kScale};
  }

  static double at(const Values& values, Place where) {
    const double low = values[where.index];
    return low + where.weight * (values[where.index + 1] - low);
  }
  static double at(const Values& values, double x) { return at(values, place(x)); }
};

/// Tokens of a step, or of a prompt: every point of the kernel tables (48, 80, 96, 1536 ...) is one
/// of its points.
using TokenGrid = LogGrid<2, 20>;
/// Sequences of a step, and tokens in the cache of each.
using BatchGrid = LogGrid<0, 13>;
using ContextGrid = LogGrid<0, 21>;

}  // namespace kneepoint::perfmodel
