#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace kneepoint::workload {

/// How a text of n words becomes tokens of a server: overhead + tokens_per_word * n.
struct TextScale {
  double tokens_per_word = 1;
  double overhead = 0;  // what every prompt has besides its words: a start token, a chat's frame
  /// Places in word_list() of the words to use, and of those that may come first; empty: all.
  std::vector<std::uint16_t> words{};
  std::vector<std::uint16_t> openers{};
  /// Every word of the list costs the same, so a prompt has exactly as many tokens as wanted.
  bool exact = false;

  /// How many words make so many tokens, rounded to the nearest; at least none.
  std::int64_t words_for(Tokens wanted) const;

  friend bool operator==(const TextScale&, const TextScale&) = default;
};

/// Asks the server how many tokens it makes of a text (/tokenize), with all that it adds when the
/// text is a prompt.
using AskTokens = std::function<Result<Tokens>(std::string_view text)>;

/// Finds words of which the server makes one token each, or else the largest set that costs the
/// same, or else the mean. Asks at most 1,200 times, about 60 for the usual tokenizer. The same
/// answers give the same scale. An error is the asker's, or says that the counts make no sense.
Result<TextScale> calibrate(const AskTokens& ask);

/// Learns the scale from what the server counted of prompts that were sent: for servers without
/// /tokenize. After so many prompts the scale stays, so that later prompts of a seed are the same.
class UsageScale {
 public:
  static constexpr int kPrompts = 64;

  explicit UsageScale(TextScale start = {}) : scale_(std::move(start)) {}

  void learn(std::int64_t words, Tokens counted);
  const TextScale& scale() const { return scale_; }
  bool settled() const { return seen_ >= kPrompts; }

 private:
  TextScale scale_;
  int seen_ = 0;
  double words_ = 0, counted_ = 0, words_squared_ = 0, product_ = 0;  // sums
};

}  // namespace kneepoint::workload
