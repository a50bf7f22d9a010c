#include "emulator/words.h"

namespace kneepoint::emulator {
namespace {

constexpr std::string_view kConsonants = "bdfklmns";
constexpr std::string_view kVowels = "aeio";
constexpr std::size_t kLongestPiece = 4;  // bytes, of text beyond ASCII

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

TokenId id_of(std::string_view word) {
  TokenId id = 0;
  bool known = word.size() == kWordLetters;
  for (std::size_t i = 0; known && i < kWordLetters; i += 2) {
    const auto consonant = kConsonants.find(word[i]);
    const auto vowel = kVowels.find(word[i + 1]);
    known = consonant != std::string_view::npos && vowel != std::string_view::npos;
    id = id << 5U | static_cast<TokenId>(consonant << 2U | vowel);
  }
  if (known) return id;
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return (hash ^ hash >> 15U) % kVocabulary;
}

template <class Told>
void each_word(std::string_view text, Told told) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    const std::size_t start = at;
    if (is_ascii(text[at])) {
      while (at < text.size() && !is_blank(text[at]) && is_ascii(text[at])) ++at;
    } else {
      while (at < text.size() && at - start < kLongestPiece && !is_ascii(text[at])) ++at;
    }
    told(text.substr(start, at - start));
  }
}

}  // namespace

std::array<char, kWordLetters> letters_of(TokenId id) {
  std::array<char, kWordLetters> letters{};
  for (std::size_t i = 0; i < kWordLetters; i += 2) {
    const TokenId syllable = id >> (10U - 5U * (i / 2)) & 31U;
    letters[i] = kConsonants[syllable >> 2U];
    letters[i + 1] = kVowels[syllable & 3U];
  }
  return letters;
}

std::size_t count_tokens(std::string_view text) {
  std::size_t count = 0;
  each_word(text, [&count](std::string_view) { ++count; });
  return count;
}

void append_tokens(std::string_view text, std::vector<TokenId>& ids) {
  each_word(text, [&ids](std::string_view word) { ids.push_back(id_of(word)); });
}

std::string text_of(const std::vector<TokenId>& ids) {
  std::string text;
  text.reserve(ids.size() * (kWordLetters + 1));
  for (const TokenId id : ids) {
    if (!text.empty()) text += ' ';
    const auto letters = letters_of(id);
    text.append(letters.data(), letters.size());
  }
  return text;
}

}  // namespace kneepoint::emulator
