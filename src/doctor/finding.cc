#include "doctor/finding.h"

#include <algorithm>

namespace kneepoint::doctor {
namespace {

/// Length of the printable UTF-8 character at the front, 0 when there is none. Overlong forms,
/// surrogates and the characters that reorder text on a terminal count as not printable.
std::size_t printable_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  char32_t code = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = (code << 6) | (byte(i) & 0x3fU);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  const bool control = (code >= 0x80 && code < 0xa0) || code == 0x2028 || code == 0x2029;
  const bool reorders =
      (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0x200f;
  return overlong || surrogate || control || reorders || code > 0x10ffff ? 0 : size;
}

}  // namespace

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::Info:
      return "info";
    case Severity::Warning:
      return "warning";
    case Severity::Error:
      return "error";
  }
  return {};
}

void sort_by_severity(std::vector<Finding>& findings) {
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
    return static_cast<int>(a.severity) > static_cast<int>(b.severity);
  });
}

Severity worst(const std::vector<Finding>& findings, Severity when_none) {
  Severity out = when_none;
  for (const Finding& each : findings) out = std::max(out, each.severity);
  return out;
}

std::string evidence_of(std::string_view text, std::size_t from, std::size_t to,
                        std::size_t longest) {
  // Masked before it is cut, so that no half of a token is shown; more than a line's worth around
  // the match is never looked at.
  constexpr std::size_t kAround = 4096;
  to = std::clamp(to, from, text.size());
  from = std::min(from, text.size());
  const std::size_t begin = from > kAround ? from - kAround : 0;
  const std::size_t end = std::min(text.size(), to + kAround);
  // Masking changes lengths: what stands before the match is masked by itself.
  std::string head = mask_secrets(text.substr(begin, from - begin));
  std::string rest = mask_secrets(text.substr(from, end - from));
  std::string whole = mask_secrets(text.substr(begin, end - begin));
  bool cut_head = begin > 0, cut_tail = end < text.size();
  if (whole.size() > longest) {
    const std::size_t room = longest / 4;
    // A token that lies across the start of the match would show its tail: leave the head out then.
    if (whole != head + rest) head.clear();
    if (head.size() > room) {
      head = head.substr(head.size() - room);
      cut_head = true;
    }
    if (rest.size() > longest - head.size()) {
      rest.resize(longest - head.size());
      cut_tail = true;
    }
    whole = mask_secrets(head + rest);
  }
  std::string out = cut_head ? "... " : "";
  for (std::string_view left = whole; !left.empty();) {
    if (const std::size_t size = printable_character(left)) {
      out += left.substr(0, size);
      left.remove_prefix(size);
    } else {
      constexpr char kHex[] = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(left.front());
      if (byte == '\t') {
        out += ' ';
      } else {
        out += "\\x";
        out += kHex[byte >> 4];
        out += kHex[byte & 15];
      }
      left.remove_prefix(1);
    }
  }
  return cut_tail ? out + " ..." : out;
}

}  // namespace kneepoint::doctor
