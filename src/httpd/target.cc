#include "httpd/target.h"

#include <fmt/format.h>

namespace kneepoint::httpd {
namespace {

constexpr std::size_t kMostSegments = 64;
constexpr std::size_t kMostParameters = 256;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

auto wrong(std::string_view why) {
  return fail(ErrorCode::InvalidArgument, fmt::format("the address cannot be read: {}", why));
}

Result<std::string> decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus_is_blank) c = ' ';
    if (c == '%') {
      const int high = i + 2 < text.size() ? digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return wrong("a % is not followed by two hex digits");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      // A value may have several lines; nothing else of a query or path may hold control
      // characters.
      if (!plus_is_blank || (c != '\n' && c != '\r' && c != '\t'))
        return wrong("it holds a control character");
    }
    out += c;
  }
  return out;
}

/// The part up to the separator, which is taken off the front of `rest` with it.
std::string_view cut(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

}  // namespace

std::string Target::path() const {
  if (segments.empty()) return "/";
  std::string path;
  for (const auto& segment : segments) path.append("/").append(segment);
  return path;
}

Result<Target> parse_target(std::string_view text) {
  if (text.starts_with("http://") || text.starts_with("https://")) {
    text.remove_prefix(text.find("//") + 2);
    text.remove_prefix(std::min(text.find_first_of("/?"), text.size()));
    if (text.empty() || text.front() == '?') return wrong("it has no path");
  }
  if (text.empty() || text.front() != '/') return wrong("it does not start with /");

  Target target;
  auto query = text;
  auto path = cut(query, '?');
  while (!path.empty()) {
    const auto raw = cut(path, '/');
    if (raw.empty()) continue;
    auto segment = decode(raw, false);
    if (!segment) return fail(std::move(segment.error()));
    if (*segment == "." || *segment == "..") return wrong("\".\" and \"..\" lead nowhere");
    if (target.segments.size() == kMostSegments) return wrong("more than 64 parts");
    target.segments.push_back(std::move(*segment));
  }
  while (!query.empty()) {
    auto value = cut(query, '&');
    if (value.empty()) continue;
    const auto raw = cut(value, '=');
    auto key = decode(raw, true);
    if (!key) return fail(std::move(key.error()));
    auto decoded = decode(value, true);
    if (!decoded) return fail(std::move(decoded.error()));
    if (target.query.size() == kMostParameters) return wrong("more than 256 parameters");
    target.query.emplace_back(std::move(*key), std::move(*decoded));
  }
  return target;
}

}  // namespace kneepoint::httpd
