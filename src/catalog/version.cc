#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "catalog/catalog.h"

namespace kneepoint::catalog {
namespace {

/// major, minor, patch, stage (rc -1, release 0, post 1), stage number.
using Parts = std::array<long long, 5>;

std::optional<Parts> parse(std::string_view text) {
  text = trim(text);
  if (!text.empty() && (text.front() == 'v' || text.front() == 'V')) text.remove_prefix(1);
  Parts parts{};
  std::size_t field = 0;
  const auto digit = [&](std::size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  const auto number = [&]() {
    long long value = 0;
    while (digit(0)) {
      value = std::min(value * 10 + (text.front() - '0'), 1'000'000'000LL);
      text.remove_prefix(1);
    }
    return value;
  };
  while (digit(0) && field < 3) {
    parts[field++] = number();
    if (!text.empty() && text.front() == '.' && digit(1)) {
      text.remove_prefix(1);
    } else {
      break;
    }
  }
  // "42" alone or a commit such as 11b6af52 names no version.
  if (field < 2) return {};
  const auto stage = [&](std::string_view word, long long rank) {
    std::string_view rest = text;
    if (!rest.empty() && (rest.front() == '.' || rest.front() == '-')) rest.remove_prefix(1);
    if (rest.substr(0, word.size()) != word) return false;
    text = rest.substr(word.size());
    parts[3] = rank;
    parts[4] = number();
    return true;
  };
  if (!stage("rc", -1) && !stage("post", 1)) stage("dev", -2);
  return parts;
}

}  // namespace

std::optional<int> compare_versions(std::string_view a, std::string_view b) {
  const auto left = parse(a);
  const auto right = parse(b);
  if (!left || !right) return {};
  return *left < *right ? -1 : *right < *left ? 1 : 0;
}

}  // namespace kneepoint::catalog
