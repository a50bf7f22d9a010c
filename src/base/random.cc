#include "base/random.h"

#include <cmath>

#include "base/hash.h"
#include "base/portable_math.h"

namespace kneepoint {

Random::Random(std::uint64_t seed, std::string_view stream, std::uint64_t index)
    : Random(RandomStreams(seed, stream).at(index)) {}

RandomStreams::RandomStreams(std::uint64_t seed, std::string_view name)
    : hash_(hash64(name, seed)) {}

Random RandomStreams::at(std::uint64_t index) const {
  // The index goes through the mixer on its own, so neighbouring indices share nothing.
  std::uint64_t own = index;
  std::uint64_t fill = hash_ ^ (index == 0 ? 0 : split_mix(own));
  std::array<std::uint64_t, 4> state;
  for (std::uint64_t& word : state) word = split_mix(fill);
  return Random(state);
}

std::uint64_t Random::below(std::uint64_t n) {
  // 2^64 is no multiple of n: the first 2^64 mod n numbers are drawn again.
  const std::uint64_t uneven = (0 - n) % n;
  std::uint64_t drawn = bits();
  while (drawn < uneven) drawn = bits();
  return drawn % n;
}

double Random::exponential() { return -portable_log(1 - uniform()); }

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  // Marsaglia's polar method: a point in the unit disc, its radius turned into a normal one.
  double x = 0;
  double y = 0;
  double r2 = 0;
  do {
    x = 2 * uniform() - 1;
    y = 2 * uniform() - 1;
    r2 = x * x + y * y;
  } while (r2 >= 1 || r2 == 0);
  const double scale = std::sqrt(-2 * portable_log(r2) / r2);
  spare_ = y * scale;
  has_spare_ = true;
  return x * scale;
}

// Marsaglia and Tsang (2000). Below shape 1 a draw for shape + 1 is multiplied by u^(1 / shape).
double Random::gamma(double shape) {
  if (shape < 1) {
    const double larger = gamma(shape + 1);
    return larger * portable_exp(portable_log(1 - uniform()) / shape);
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (portable_log(1 - uniform()) < 0.5 * x * x + d - d * v + d * portable_log(v)) return d * v;
  }
}

}  // namespace kneepoint
