#include "workload/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "workload/word_list.h"

namespace kneepoint::workload {
namespace {

constexpr std::size_t kOpenersTried = 24;
constexpr std::size_t kGroup = 32;
constexpr int kMostAsked = 900;             // while looking for words of one token
constexpr std::size_t kEnough = 64;         // words, for prompts that differ
constexpr std::size_t kCosted = 192;        // words looked at one by one
constexpr int kTimes = 4;                   // each so often in one text
constexpr double kLeast = 0.1, kMost = 64;  // tokens a word; outside, counts make no sense

using Places = std::vector<std::uint16_t>;

class Calibration {
 public:
  explicit Calibration(const AskTokens& ask) : ask_(ask) {}

  Result<TextScale> run() {
    if (auto ok = find_openers(); !ok) return fail(std::move(ok.error()));
    for (std::size_t at = 0; at < word_list().size(); at += kGroup) {
      Places group;
      for (std::size_t i = at; i < std::min(at + kGroup, word_list().size()); ++i) {
        group.push_back(static_cast<std::uint16_t>(i));
      }
      if (auto ok = keep_single(group); !ok) return fail(std::move(ok.error()));
    }
    std::ranges::sort(singles_);
    if (singles_.size() >= kEnough) return scale(1, std::move(singles_), true);
    return by_cost();
  }

 private:
  Result<std::int64_t> count(std::string_view text) {
    ++asked_;
    const auto counted = ask_(text);
    if (!counted) return fail(Error(counted.error()).during("count the tokens of a text"));
    if (counted->count() < 1) return senseless(0, text.size());
    return counted->count();
  }

  static tl::unexpected<Error> senseless(double tokens, std::size_t letters) {
    return fail(ErrorCode::Unavailable,
                fmt::format("the server counts {} tokens in {} letters; give token counts another "
                            "way, or use prompts of token ids",
                            tokens, letters));
  }

  /// A first word has no blank before it and may cost more; those that cost least may be first.
  Result<void> find_openers() {
    for (std::size_t i = 0; i < std::min(kOpenersTried, word_list().size()); ++i) {
      const auto counted = count(word_list()[i]);
      if (!counted) return fail(counted.error());
      if (openers_.empty() || *counted < first_) {
        openers_.clear();
        first_ = *counted;
      }
      if (*counted == first_) openers_.push_back(static_cast<std::uint16_t>(i));
    }
    return {};
  }

  std::string text_of(std::span<const std::uint16_t> places) const {
    std::string text(word_list()[openers_.front()]);
    for (const std::uint16_t place : places) {
      text += ' ';
      text += word_list()[place];
    }
    return text;
  }

  /// A group that has a token for each of its words is kept whole; one that has not is halved.
  Result<void> keep_single(std::span<const std::uint16_t> group) {
    if (asked_ >= kMostAsked) return {};
    const auto counted = count(text_of(group));
    if (!counted) return fail(counted.error());
    if (*counted - first_ == static_cast<std::int64_t>(group.size())) {
      singles_.insert(singles_.end(), group.begin(), group.end());
      return {};
    }
    if (group.size() == 1) return {};
    // Where nearly every word costs more, halving to the end is asking for nothing.
    if (asked_ > 200 && singles_.empty()) return {};
    const std::size_t half = group.size() / 2;
    if (auto ok = keep_single(group.first(half)); !ok) return ok;
    return keep_single(group.subspan(half));
  }

  Result<TextScale> by_cost() {
    std::map<std::int64_t, Places> of_cost;  // of kTimes words
    std::int64_t sum = 0;
    const std::size_t looked_at = std::min(kCosted, word_list().size());
    for (std::size_t i = 0; i < looked_at; ++i) {
      const Places same(kTimes, static_cast<std::uint16_t>(i));
      const auto counted = count(text_of(same));
      if (!counted) return fail(counted.error());
      of_cost[*counted - first_].push_back(static_cast<std::uint16_t>(i));
      sum += *counted - first_;
    }
    const auto largest = std::ranges::max_element(
        of_cost, {}, [](const auto& entry) { return entry.second.size(); });
    const double mean = static_cast<double>(sum) / static_cast<double>(looked_at) / kTimes;
    if (!(mean >= kLeast && mean <= kMost)) return senseless(mean, kLongestWord);
    if (largest->second.size() < kEnough / 2 || largest->first <= 0 ||
        largest->first % kTimes != 0) {
      Places all;
      for (std::size_t i = 0; i < looked_at; ++i) all.push_back(static_cast<std::uint16_t>(i));
      return scale(mean, std::move(all), false);
    }
    return scale(static_cast<double>(largest->first / kTimes), largest->second, true);
  }

  TextScale scale(double tokens_per_word, Places words, bool exact) {
    return {.tokens_per_word = tokens_per_word,
            .overhead = static_cast<double>(first_) - tokens_per_word,
            .words = std::move(words),
            .openers = openers_,
            .exact = exact};
  }

  const AskTokens& ask_;
  int asked_ = 0;
  std::int64_t first_ = 0;  // tokens of the cheapest text of one word
  Places openers_;
  Places singles_;
};

}  // namespace

std::int64_t TextScale::words_for(Tokens wanted) const {
  const double many = (static_cast<double>(wanted.count()) - overhead) / tokens_per_word;
  return many > 0 ? static_cast<std::int64_t>(many + 0.5) : 0;
}

Result<TextScale> calibrate(const AskTokens& ask) { return Calibration(ask).run(); }

/// A line through all that was counted. Where every prompt had as many words, the overhead is taken
/// as known and the rest is the words'.
void UsageScale::learn(std::int64_t words, Tokens counted) {
  if (settled() || words < 1 || counted.count() < 1) return;
  const auto x = static_cast<double>(words);
  const auto y = static_cast<double>(counted.count());
  ++seen_;
  words_ += x;
  counted_ += y;
  words_squared_ += x * x;
  product_ += x * y;
  const double n = seen_;
  const double mean = words_ / n;
  const double spread = words_squared_ / n - mean * mean;
  double slope = (counted_ / n - scale_.overhead) / mean;
  if (spread > 0.01 * mean * mean) {
    const double fitted = (product_ / n - mean * counted_ / n) / spread;
    const double overhead = counted_ / n - fitted * mean;
    if (fitted >= kLeast && fitted <= kMost && overhead >= 0) {
      scale_.overhead = overhead;
      slope = fitted;
    } else if (overhead < 0) {
      scale_.overhead = 0;
      slope = counted_ / words_;
    }
  }
  scale_.tokens_per_word = std::clamp(slope, kLeast, kMost);
  scale_.exact = false;
}

}  // namespace kneepoint::workload
