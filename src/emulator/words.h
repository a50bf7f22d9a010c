#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The emulator's tokenizer: one word is one token. Its vocabulary is 32,768 made-up words of three
/// syllables ("bakemo"), so every id has a text of six letters and answers read back to the ids
/// they were made of. A word that is none of them is one token too, with an id hashed from its
/// letters; of text in scripts that set no blanks, every 4 bytes are a token.
namespace kneepoint::emulator {

using TokenId = std::uint32_t;

inline constexpr TokenId kVocabulary = 32'768;
inline constexpr std::size_t kWordLetters = 6;

/// The six letters of an id; ids past the vocabulary wrap around.
std::array<char, kWordLetters> letters_of(TokenId id);

/// The words of an answer, without end: a walk through the vocabulary that seed and number begin.
class AnswerWords {
 public:
  AnswerWords() : AnswerWords(0, 0) {}
  AnswerWords(std::uint64_t seed, std::uint64_t number)
      : at_(static_cast<TokenId>((seed + number) * 2654435761U)) {}
  TokenId next() {
    at_ = at_ * 1664525U + 1013904223U;
    return at_ >> 17U;
  }

 private:
  TokenId at_;
};

/// How many tokens a text is.
std::size_t count_tokens(std::string_view text);
/// The same, and which; appended.
void append_tokens(std::string_view text, std::vector<TokenId>& ids);
/// Words joined by blanks: append_tokens() gives the ids back.
std::string text_of(const std::vector<TokenId>& ids);

}  // namespace kneepoint::emulator
