#include "workload/prompt_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/random.h"
#include "workload/trace.h"
#include "workload/word_list.h"

namespace kneepoint::workload {
namespace {

/// What a token or word is written as, the comma or blank before it included.
struct Piece {
  static constexpr std::size_t kRoom = 15;
  std::array<char, kRoom> text{};
  std::uint8_t size = 0;

  explicit Piece(char before, std::string_view word) {
    text[0] = before;
    std::memcpy(text.data() + 1, word.data(), std::min(word.size(), kRoom - 1));
    size = static_cast<std::uint8_t>(1 + std::min(word.size(), kRoom - 1));
  }
};
static_assert(kLongestWord < Piece::kRoom);

/// Writes runs of pieces. A run is the beginning of one endless sequence, which its stream and
/// number name: a longer run says the same and goes on. Sixteen bits choose a piece, four pieces a
/// draw: the bias of one in thousands is nothing here, and the time is.
class PieceWriter {
 public:
  PieceWriter(std::uint64_t seed, std::vector<Piece> pieces)
      : seed_(seed), pieces_(std::move(pieces)) {}

  void write(std::string_view stream, std::int64_t number, std::int64_t count,
             std::string& out) const {
    if (count <= 0) return;
    const auto index = static_cast<std::uint64_t>(number);
    const std::size_t before = out.size();
    out.resize(before + static_cast<std::size_t>(count) * Piece::kRoom);
    char* at = out.data() + before;
    const auto put = [&at](const Piece& piece) {
      std::memcpy(at, piece.text.data(), Piece::kRoom);
      at += piece.size;
    };
    // Neighbours differ from the first piece on, not just nearly always.
    put(pieces_[index % pieces_.size()]);
    Random random(seed_, stream, index);
    for (std::int64_t i = 1; i < count; i += 4) {
      std::uint64_t bits = random.bits();
      const std::int64_t end = std::min<std::int64_t>(i + 4, count);
      for (std::int64_t j = i; j < end; ++j) {
        put(pieces_[((bits & 0xffffU) * pieces_.size()) >> 16U]);
        bits >>= 16U;
      }
    }
    out.resize(static_cast<std::size_t>(at - out.data()));
  }

 private:
  std::uint64_t seed_;
  std::vector<Piece> pieces_;
};

constexpr std::string_view kPrefixStream = "prefix-tokens";
constexpr std::string_view kOwnStream = "prompt-tokens";
constexpr std::string_view kBlockStream = "block-tokens";

/// `count` pieces of a prompt after its prefix, of which each block of a trace has `per_block`. A
/// later turn of a session, which a trace does not have, follows its own sequence.
void write_rest(const PieceWriter& writer, const RequestPlan& plan, std::int64_t per_block,
                std::int64_t count, std::string& out) {
  if (plan.turn == 0) {
    for (const std::int64_t block : plan.blocks) {
      const std::int64_t now = std::min(per_block, count);
      writer.write(kBlockStream, block, now, out);
      count -= now;
    }
  }
  writer.write(kOwnStream, plan.prompt, count, out);
}

class TokenIds final : public PromptMaker {
 public:
  TokenIds(std::uint64_t seed, IdRange range) : writer_(seed, pieces_of(range)) {}

  void write(const RequestPlan& plan, std::string& json) override {
    const std::size_t start = json.size();
    writer_.write(kPrefixStream, plan.prefix_group.value_or(0), plan.prefix.count(), json);
    write_rest(writer_, plan, kTraceBlock.count(), (plan.history + plan.input).count(), json);
    if (json.size() == start) json += '[';
    json[start] = '[';  // in the place of the first comma
    json += ']';
  }

 private:
  static std::vector<Piece> pieces_of(IdRange range) {
    const std::int64_t last = std::clamp(range.last, range.first, range.first + 0xffff);
    std::vector<Piece> pieces;
    for (std::int64_t id = range.first; id <= last; ++id) {
      pieces.emplace_back(',', fmt::format_int(id).str());
    }
    return pieces;
  }

  PieceWriter writer_;
};

std::vector<Piece> word_pieces(const std::vector<std::uint16_t>& places) {
  std::vector<Piece> pieces;
  if (places.empty()) {
    for (const std::string_view word : word_list()) pieces.emplace_back(' ', word);
  }
  for (const std::uint16_t place : places) pieces.emplace_back(' ', word_list()[place]);
  return pieces;
}

/// How many words the prefix and the rest have. What every prompt has besides comes off the rest.
struct Split {
  std::int64_t prefix = 0;
  std::int64_t rest = 0;
  std::int64_t per_block = 0;  // of a trace's block
};

Split split(const RequestPlan& plan, const TextScale& scale) {
  const std::int64_t all = std::max<std::int64_t>(1, scale.words_for(plan.prompt_tokens()));
  TextScale bare;
  bare.tokens_per_word = scale.tokens_per_word;
  const std::int64_t prefix = bare.words_for(plan.prefix);
  return {.prefix = prefix,
          .rest = std::max<std::int64_t>(1, all - prefix),  // or sessions would be the same
          .per_block = bare.words_for(kTraceBlock)};
}

/// The words of a prompt: an opener, the rest of the prefix, the rest.
class Words {
 public:
  Words(std::uint64_t seed, PromptForm form, const TextScale& scale)
      : form_(form),
        openers_(seed, word_pieces(scale.openers)),
        writer_(seed, word_pieces(scale.words)) {}

  void write(const RequestPlan& plan, Split s, std::string& json) const {
    const auto [prefix, rest, per_block] = s;
    if (form_ == PromptForm::Chat) json += R"([{"role":"user","content":)";
    const std::size_t start = json.size();
    // The first word of a text has no blank before it, which only some words bear well.
    const bool blocks = plan.turn == 0 && !plan.blocks.empty();
    const std::int64_t first = prefix > 0 ? plan.prefix_group.value_or(0)
                               : blocks   ? plan.blocks.front()
                                          : plan.prompt;
    openers_.write(kOwnStream, first, 1, json);
    json[start] = '"';
    writer_.write(kPrefixStream, plan.prefix_group.value_or(0), prefix - 1, json);
    write_rest(writer_, plan, per_block, prefix > 0 ? rest : rest - 1, json);
    json += form_ == PromptForm::Chat ? "\"}]" : "\"";
  }

 private:
  PromptForm form_;
  PieceWriter openers_;
  PieceWriter writer_;
};

class TextPrompts final : public PromptMaker {
 public:
  TextPrompts(std::uint64_t seed, PromptForm form, TextScale scale)
      : words_(seed, form, scale), scale_(std::move(scale)) {}

  void write(const RequestPlan& plan, std::string& json) override {
    const Split s = split(plan, scale_);
    words_.write(plan, s, json);
  }

 private:
  Words words_;
  TextScale scale_;
};

class LearningTextPrompts final : public PromptMaker {
 public:
  LearningTextPrompts(std::uint64_t seed, PromptForm form, TextScale start)
      : words_(seed, form, start), usage_(std::move(start)) {}

  void write(const RequestPlan& plan, std::string& json) override {
    Split s = split(plan, usage_.scale());
    if (plan.prefix_group && s.prefix > 0) {
      const std::int64_t all = s.prefix + s.rest;
      s.prefix = prefixes_.try_emplace(*plan.prefix_group, s.prefix).first->second;
      s.rest = std::max<std::int64_t>(1, all - s.prefix);
    }
    words_.write(plan, s, json);
    if (!usage_.settled()) sent_[slot(plan)] = {plan.index, s.prefix + s.rest};
  }

  void learn(const RequestPlan& plan, Tokens counted) override {
    const Sent& sent = sent_[slot(plan)];
    if (!usage_.settled() && sent.index == plan.index) usage_.learn(sent.words, counted);
  }

 private:
  struct Sent {
    std::int64_t index = -1;
    std::int64_t words = 0;
  };
  /// Those longest out are forgotten first.
  static std::size_t slot(const RequestPlan& plan) {
    return static_cast<std::size_t>(plan.index) % kRemembered;
  }

  static constexpr std::size_t kRemembered = 4096;
  Words words_;
  UsageScale usage_;
  std::vector<Sent> sent_ = std::vector<Sent>(kRemembered);
  std::unordered_map<std::int64_t, std::int64_t> prefixes_;  // words, by group
};

}  // namespace

IdRange safe_ids(std::int64_t vocabulary) {
  const IdRange usual;
  if (vocabulary > 2 * usual.last) return usual;
  const std::int64_t first = std::max<std::int64_t>(0, vocabulary / 4);
  return {first, std::max(first, vocabulary / 2 - 1)};
}

std::unique_ptr<PromptMaker> token_id_prompts(std::uint64_t seed, IdRange range) {
  return std::make_unique<TokenIds>(seed, range);
}

std::unique_ptr<PromptMaker> text_prompts(std::uint64_t seed, PromptForm form, TextScale scale) {
  return std::make_unique<TextPrompts>(seed, form, std::move(scale));
}

std::unique_ptr<PromptMaker> learning_text_prompts(std::uint64_t seed, PromptForm form,
                                                   TextScale start) {
  return std::make_unique<LearningTextPrompts>(seed, form, std::move(start));
}

}  // namespace kneepoint::workload
