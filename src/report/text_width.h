#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kneepoint::report {

/// Columns that UTF-8 `text` takes on a terminal: wide East Asian characters and emoji take two,
/// combining marks none, a byte that is not UTF-8 one.
std::size_t display_width(std::string_view text);

/// The text with every control character made visible ("\n", "\x1b"), so that a hostile name can
/// neither move the cursor nor break a row. Bytes that are not UTF-8 become U+FFFD.
std::string printable(std::string_view text);

/// True when `printable(text) == text` and the text is plain ASCII: the usual case, told fast.
bool is_plain_ascii(std::string_view text);

/// At most `columns` wide; what was cut ends in "…".
std::string shortened(std::string_view text, std::size_t columns);

/// One UTF-8 character at the front of `text` (not empty): its code point and its length in bytes.
/// U+FFFD and length 1 for a byte that starts none.
struct Character {
  char32_t code;
  std::size_t bytes;
};
Character first_character(std::string_view text);
void append_utf8(std::string& out, char32_t code);
int display_width(char32_t code);

}  // namespace kneepoint::report
