#include "base/portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace kneepoint {
namespace {

// ln 2 in two parts. The first has its low 21 bits zero, so k times it is exact for every exponent
// k a double has.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kSqrtHalf = 0.70710678118654757;

}  // namespace

// x = 2^k m with m from sqrt(1/2) to below sqrt(2), and ln m = 2 (s + s^3/3 + s^5/5 + ...) with
// s = (m - 1) / (m + 1). |s| < 0.172, so twelve terms reach past the last bit.
double portable_log(double x) {
  int k = 0;
  if (x < std::numeric_limits<double>::min()) {  // its exponent is not in its place
    x *= 0x1p54;
    k = -54;
  }
  // How many whole octaves the bits of x lie above those of sqrt(1/2) is k, without a branch.
  constexpr auto kLeast = std::bit_cast<std::int64_t>(kSqrtHalf);
  const auto bits = std::bit_cast<std::int64_t>(x);
  const std::int64_t octaves = (bits - kLeast) >> 52;
  const auto m = std::bit_cast<double>(bits - octaves * (std::int64_t{1} << 52));
  k += static_cast<int>(octaves);
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double series = 0;
#pragma GCC unroll 11
  for (int n = 23; n >= 3; n -= 2) series = (series + 1.0 / n) * s2;
  return k * kLn2High + (k * kLn2Low + (2 * s * series + 2 * s));
}

// x = k ln 2 + r with |r| <= ln 2 / 2, and e^r by its Taylor series.
double portable_exp(double x) {
  if (x > 709.78) return std::numeric_limits<double>::infinity();
  if (x < -745.2) return 0;
  const double k = std::floor(x * 1.4426950408889634 + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;
  double series = 1;
  for (int n = 14; n >= 1; --n) series = 1 + series * r / n;
  return std::ldexp(series, static_cast<int>(k));
}

}  // namespace kneepoint
