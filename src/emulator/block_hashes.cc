#include "emulator/block_hashes.h"

#include "base/random.h"

namespace kneepoint::emulator {
namespace {

/// Takes tokens one by one and tells a block's hash when it is full.
class Chain {
 public:
  Chain(std::int64_t block_size, std::int64_t most, std::vector<std::uint64_t>& hashes)
      : block_size_(block_size), most_(static_cast<std::size_t>(most)), hashes_(hashes) {}

  bool full() const { return hashes_.size() >= most_; }
  void add(TokenId token) {
    state_ = (state_ ^ token) * 0x9E3779B97F4A7C15U;
    state_ ^= state_ >> 32U;
    if (++tokens_ < block_size_) return;
    tokens_ = 0;
    std::uint64_t mixed = state_;
    hashes_.push_back(split_mix(mixed));
  }

 private:
  std::int64_t block_size_;
  std::size_t most_;
  std::vector<std::uint64_t>& hashes_;
  std::uint64_t state_ = 0x6B6E6565706F696EU;  // any but zero, which zeros would leave as it is
  std::int64_t tokens_ = 0;
};

}  // namespace

void block_hashes(std::span<const TokenId> prompt, AnswerWords answer, std::int64_t answer_tokens,
                  std::int64_t block_size, std::int64_t most, std::vector<std::uint64_t>& hashes) {
  hashes.clear();
  Chain chain(block_size, most, hashes);
  for (std::size_t i = 0; i < prompt.size() && !chain.full(); ++i) chain.add(prompt[i]);
  for (std::int64_t i = 0; i < answer_tokens && !chain.full(); ++i) chain.add(answer.next());
}

}  // namespace kneepoint::emulator
