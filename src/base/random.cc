#include "base/random.h"

#include <bit>
#include <cmath>

#include "base/hash.h"
#include "base/portable_math.h"

namespace kneepoint {

std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Random::Random(std::uint64_t seed, std::string_view stream, std::uint64_t index) : state_{} {
  // The index goes through the mixer on its own, so neighbouring indices share nothing.
  std::uint64_t own = index;
  std::uint64_t fill = hash64(stream, seed) ^ (index == 0 ? 0 : split_mix(own));
  for (std::uint64_t& word : state_) word = split_mix(fill);
}

std::uint64_t Random::bits() {
  const std::uint64_t out = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return out;
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

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
