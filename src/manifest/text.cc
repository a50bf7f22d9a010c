#include "manifest/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace kneepoint::manifest {
namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z'); }

bool only(std::string_view text, bool (*letter)(char), std::string_view also) {
  return std::ranges::all_of(
      text, [&](char c) { return letter(c) || also.find(c) != std::string_view::npos; });
}

/// Length of the UTF-8 sequence at the start of `text`, and its code point; 0 when there is none.
struct Decoded {
  std::size_t length = 0;
  char32_t point = 0;
};

Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, first};
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || text.size() < length) return {};
  auto point = static_cast<char32_t>(first & (0xFF >> (length + 1)));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    point = (point << 6) | (byte(i) & 0x3F);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  if (point < kSmallest[length] || point > 0x10FFFF || surrogate) return {};
  return {length, point};
}

/// Of lines and terminals; what turns the direction of text makes it read as another.
bool breaks_or_controls(char32_t point) {
  const bool turns = point == 0x200E || point == 0x200F || point == 0x061C ||
                     (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
  return turns || point < 0x20 || (point >= 0x7F && point <= 0x9F) || point == 0x2028 ||
         point == 0x2029 || point == 0xFEFF || point == 0xFFFE || point == 0xFFFF;
}

}  // namespace

bool is_dns_label(std::string_view text) {
  const auto edge = [](char c) { return is_lower(c) || is_digit(c); };
  return !text.empty() && text.size() <= 63 && edge(text.front()) && edge(text.back()) &&
         only(text, [](char c) { return is_lower(c) || is_digit(c); }, "-");
}

bool is_dns_subdomain(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_label_value(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_alnum(text.front()) && is_alnum(text.back()) &&
         only(text, is_alnum, "-_.");
}

bool is_model_id(std::string_view text) {
  const auto part = [](std::string_view name) {
    return !name.empty() && name.size() <= 96 && is_alnum(name.front()) &&
           only(name, is_alnum, "-_.");
  };
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return part(text);
  return part(text.substr(0, slash)) && part(text.substr(slash + 1));
}

bool is_image_tag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && (is_alnum(text.front()) || text.front() == '_') &&
         only(text, is_alnum, "-_.");
}

bool is_image_reference(std::string_view text) {
  return !text.empty() && text.size() <= 512 && is_alnum(text.front()) && is_alnum(text.back()) &&
         only(text, is_alnum, "-_./:@");
}

bool is_series_name(std::string_view text) {
  return !text.empty() && text.size() <= 200 && !is_digit(text.front()) &&
         only(text, is_alnum, "_:");
}

bool is_http_url(std::string_view text) {
  if (text.size() > 512) return false;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    return !text.empty() && is_alnum(text.front()) && only(text, is_alnum, "-_.:/~");
  }
  return false;
}

std::string_view model_name(std::string_view model_id) {
  const auto slash = model_id.rfind('/');
  return slash == std::string_view::npos ? model_id : model_id.substr(slash + 1);
}

std::string label_value(std::string_view text) {
  std::string out(text.substr(0, 63));
  for (char& c : out) {
    if (!is_alnum(c) && c != '-' && c != '_' && c != '.') c = '-';
  }
  while (!out.empty() && !is_alnum(out.back())) out.pop_back();
  while (!out.empty() && !is_alnum(out.front())) out.erase(0, 1);
  return out.empty() ? "unnamed" : out;
}

std::string base_name(std::string_view model_id, std::string_view server) {
  constexpr std::size_t kRoom = 63 - std::string_view("-inference-server").size();
  const std::string server_part = dns_label(server, 20);
  const std::string name(model_name(model_id));
  const bool letter_first = !name.empty() && is_alnum(name.front()) && !is_digit(name.front());
  return dns_label(letter_first ? name : "m-" + name, kRoom - 1 - server_part.size()) + "-" +
         server_part;
}

std::string shell_word(std::string_view text) {
  if (!text.empty() && only(text, is_alnum, "-_./:@%+=,")) return std::string(text);
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

std::string comment_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Decoded next = decode(text);
    if (next.length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (next.point == '\n')
      out += "\\n";
    else if (breaks_or_controls(next.point))
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(next.point));
    else
      out += text.substr(0, next.length);
    text.remove_prefix(next.length);
  }
  return out;
}

std::string no_expansion(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '(') out += '$';
    out += text[i];
  }
  return out;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShown = 80;
  std::string out = "'" + comment_line(text.substr(0, kShown)) + "'";
  if (text.size() > kShown) out += fmt::format(" ... ({} characters)", text.size());
  return out;
}

}  // namespace kneepoint::manifest
