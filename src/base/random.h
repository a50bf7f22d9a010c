#pragma once

#include <array>
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

  std::uint64_t bits();
  /// In [0, 1), 53 random bits.
  double uniform();
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

/// One step of SplitMix64: moves `state` on and gives the next number.
std::uint64_t split_mix(std::uint64_t& state);

}  // namespace kneepoint
