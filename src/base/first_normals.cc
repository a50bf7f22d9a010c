#include "base/first_normals.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/portable_math.h"

namespace kneepoint {

// The steps of Random::normal(), each for all of a few streams.
void first_normals(const RandomStreams& streams, std::uint64_t first, std::span<double> out) {
  constexpr std::size_t kSome = 32;
  std::array<double, kSome> x;
  std::array<double, kSome> r2;
  std::array<double, kSome> log;
  while (!out.empty()) {
    const std::size_t some = std::min(kSome, out.size());
    for (std::size_t i = 0; i < some; ++i) {
      Random random = streams.at(first + i);
      do {
        x[i] = 2 * random.uniform() - 1;
        const double y = 2 * random.uniform() - 1;
        r2[i] = x[i] * x[i] + y * y;
      } while (r2[i] >= 1 || r2[i] == 0);
    }
    for (std::size_t i = 0; i < some; ++i) log[i] = portable_log(r2[i]);
    for (std::size_t i = 0; i < some; ++i) out[i] = x[i] * std::sqrt(-2 * log[i] / r2[i]);
    out = out.subspan(some);
    first += some;
  }
}

}  // namespace kneepoint
