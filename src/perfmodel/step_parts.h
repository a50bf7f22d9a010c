#pragma once

#include <array>
#include <cstddef>

/// What the time of one engine step is made of. The parts of a step are found without knowing how
/// well a server does each of them; a coefficient per part then makes time of them:
///
///     step time [ns] = sum over parts of coefficient[part] * amount[part]
///
/// Table parts have amounts in nanoseconds (what the kernel tables or the roofline say) and
/// coefficients around 1. Overhead parts have counts as amounts and nanoseconds as coefficients.
namespace kneepoint::perfmodel {

enum class Part : std::size_t {
  // Table parts.
  DecodeGemm,     // dense matrix products, in steps without prompts
  PrefillGemm,    // ... in steps with prompts
  DecodeExperts,  // routed experts
  PrefillExperts,
  DecodeExchange,  // all-reduce, all-gather + reduce-scatter, expert-parallel exchange
  PrefillExchange,
  DecodeAttention,   // sequences that decode, in any step
  PrefillAttention,  // chunks of prompts
  Elementwise,       // norms, activations, residuals: bytes over bandwidth
  Head,              // output layer and sampling
  // Overhead parts: counts.
  DecodeLayers,      // layers, in steps without prompts
  PrefillLayers,     // layers, in steps with prompts
  Steps,             // 1
  Sequences,         // decoding sequences and chunks
  PrefillSequences,  // chunks
  PrefillTokens,     // tokens of the chunks
  Count
};
inline constexpr std::size_t kParts = static_cast<std::size_t>(Part::Count);

using PartAmounts = std::array<double, kParts>;
using PartCoefficients = std::array<double, kParts>;

inline double dot(const PartAmounts& amounts, const PartCoefficients& coefficients) {
  double sum = 0;
  for (std::size_t i = 0; i < kParts; ++i) sum += amounts[i] * coefficients[i];
  return sum;
}

}  // namespace kneepoint::perfmodel
