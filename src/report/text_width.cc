#include "report/text_width.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace kneepoint::report {
namespace {

struct Block {
  char32_t first, last;
};

// Marks that sit on the character before them.
constexpr std::array kCombining{
    Block{0x0300, 0x036F}, Block{0x0483, 0x0489}, Block{0x0591, 0x05BD}, Block{0x064B, 0x065F},
    Block{0x0E31, 0x0E31}, Block{0x0E34, 0x0E3A}, Block{0x1AB0, 0x1AFF}, Block{0x1DC0, 0x1DFF},
    Block{0x200B, 0x200F}, Block{0x202A, 0x202E}, Block{0x2060, 0x2064}, Block{0x2066, 0x2069},
    Block{0x20D0, 0x20FF}, Block{0xFE00, 0xFE0F}, Block{0xFE20, 0xFE2F}, Block{0xFEFF, 0xFEFF}};

// East Asian Wide and Fullwidth, and emoji.
constexpr std::array kWide{
    Block{0x1100, 0x115F},   Block{0x2E80, 0x303E},   Block{0x3041, 0x33FF},
    Block{0x3400, 0x4DBF},   Block{0x4E00, 0x9FFF},   Block{0xA000, 0xA4CF},
    Block{0xAC00, 0xD7A3},   Block{0xF900, 0xFAFF},   Block{0xFE30, 0xFE6F},
    Block{0xFF00, 0xFF60},   Block{0xFFE0, 0xFFE6},   Block{0x1F300, 0x1F64F},
    Block{0x1F680, 0x1F6FF}, Block{0x1F900, 0x1F9FF}, Block{0x20000, 0x3FFFD}};

template <std::size_t N>
bool contains(const std::array<Block, N>& blocks, char32_t code) {
  return std::any_of(blocks.begin(), blocks.end(),
                     [code](Block b) { return code >= b.first && code <= b.last; });
}

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

// Characters that turn the direction of the text around: a name could hide its end with them.
bool is_direction_mark(char32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

void append_visible(std::string& out, char32_t code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (code == '\n') {
    out += "\\n";
  } else if (code == '\t') {
    out += "\\t";
  } else if (code == '\r') {
    out += "\\r";
  } else if (code < 0x100) {
    out += "\\x";
    out += kHex[code >> 4];
    out += kHex[code & 15];
  } else {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHex[(code >> shift) & 15];
  }
}

}  // namespace

Character first_character(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  constexpr Character kBad{0xFFFD, 1};
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return kBad;
  char32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kBad;
    code = (code << 6) | (byte(i) & 0x3F);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < kSmallest[length] || code > 0x10FFFF || surrogate) return kBad;
  return {code, length};
}

void append_utf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

int display_width(char32_t code) {
  if (code < 0x300) return 1;
  if (contains(kCombining, code)) return 0;
  return contains(kWide, code) ? 2 : 1;
}

std::size_t display_width(std::string_view text) {
  if (is_plain_ascii(text)) return text.size();
  std::size_t width = 0;
  while (!text.empty()) {
    const Character c = first_character(text);
    width += static_cast<std::size_t>(display_width(c.code));
    text.remove_prefix(c.bytes);
  }
  return width;
}

bool is_plain_ascii(std::string_view text) {
  // Eight characters at once: a byte whose top bit comes out set is a control character, 0x7F or
  // above. Borrows and carries between bytes start at such a byte only.
  constexpr std::uint64_t kEach = 0x0101010101010101, kTop = 0x80 * kEach;
  std::uint64_t bad = 0;
  while (text.size() >= sizeof bad) {
    std::uint64_t some;
    std::memcpy(&some, text.data(), sizeof some);
    bad |= some | (some + kEach) | (some - 0x20 * kEach);
    text.remove_prefix(sizeof some);
  }
  return (bad & kTop) == 0 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string printable(std::string_view text) {
  if (is_plain_ascii(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    const Character c = first_character(text);
    if (is_control(c.code) || is_direction_mark(c.code)) {
      append_visible(out, c.code);
    } else {
      append_utf8(out, c.code);
    }
    text.remove_prefix(c.bytes);
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::string out;
  std::size_t width = 0;
  while (!text.empty()) {
    const Character c = first_character(text);
    const auto wide = static_cast<std::size_t>(display_width(c.code));
    if (width + wide > columns - 1) break;
    append_utf8(out, c.code);
    width += wide;
    text.remove_prefix(c.bytes);
  }
  return out + "…";
}

}  // namespace kneepoint::report
