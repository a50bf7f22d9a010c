#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

namespace kneepoint {

/// Seeded random numbers that are the same bytes wherever this is built.
///
/// Every subsystem draws from its own stream, named by (seed, name, index): drawing more lengths
/// does not move an arrival. The standard library's engines are portable but its distributions are
/// not, so the distributions are here. Copying copies the state. One thread.
///
/// The generator is xoshiro256++ (Blackman and Vigna, 2019), its state filled by SplitMix64 from
/// the hash of the name: 32 bytes of state, where the usual Mersenne twister has 2500.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view stream, std::uint64_t index = 0);
  /// From a raw state, not all zero: for tests against published sequences.
  explicit Random(const std::array<std::uint64_t, 4>& state) : state_(state) {}

  std::uint64_t bits() {
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
  /// In [0, 1), 53 random bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// Each of 0 ... n - 1 equally often; n is above zero.
  std::uint64_t below(std::uint64_t n);
  /// Mean 1.
  double exponential();
  /// Mean 0, standard deviation 1.
  double normal();
  /// Mean and variance `shape` (scale 1); shape is above zero.
  double gamma(double shape);

 private:
  std::array<std::uint64_t, 4> state_;
  double spare_ = 0;  // the polar method makes normals in pairs
  bool has_spare_ = false;
};

/// All streams of one name, for whoever opens one for each of thousands: Random(seed, name, index)
/// without hashing the name again.
class RandomStreams {
 public:
  RandomStreams(std::uint64_t seed, std::string_view name);
  Random at(std::uint64_t index) const;

 private:
  std::uint64_t hash_;
};

/// One step of SplitMix64: moves `state` on and gives the next number.
inline std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace kneepoint
