#pragma once

#include <bit>
#include <cstdint>

namespace kneepoint::sim {

/// Tokens of a block of the KV cache, to divide by: a dozen times for each request. It is a power
/// of two nearly everywhere, and then a shift does.
class BlockSize {
 public:
  /// At least 1.
  explicit BlockSize(std::int64_t tokens)
      : tokens_(tokens),
        shift_(std::has_single_bit(static_cast<std::uint64_t>(tokens))
                   ? std::countr_zero(static_cast<std::uint64_t>(tokens))
                   : -1) {}

  /// Blocks that `tokens` fill, of at least 0.
  std::int64_t full(std::int64_t tokens) const {
    return shift_ >= 0 ? tokens >> shift_ : tokens / tokens_;
  }
  /// Blocks that `tokens` need.
  std::int64_t holding(std::int64_t tokens) const { return full(tokens + tokens_ - 1); }
  /// Tokens in the last block that is not full.
  std::int64_t rest(std::int64_t tokens) const { return tokens - full(tokens) * tokens_; }

 private:
  std::int64_t tokens_;
  int shift_;
};

}  // namespace kneepoint::sim
