#include "predict/server_settings.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"

namespace kneepoint::predict {
namespace {

std::string plain(std::string_view name) {
  while (!name.empty() && name.front() == '-') name.remove_prefix(1);
  std::string out = lower(trim(name));
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

}  // namespace

ServerSettings::ServerSettings(std::string_view text) {
  for (const std::string_view part : split(text, ';')) {
    if (part.find(" --") == std::string_view::npos && !part.starts_with("--")) {
      const auto sign = part.find('=');
      values_.emplace(plain(part.substr(0, sign)),
                      sign == std::string_view::npos ? "" : trim(part.substr(sign + 1)));
      continue;
    }
    // A command line: --name value, --name=value or --name.
    const std::vector<std::string_view> words = split(part, ' ');
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!words[i].starts_with("--")) continue;
      const auto sign = words[i].find('=');
      if (sign != std::string_view::npos) {
        values_.emplace(plain(words[i].substr(0, sign)), words[i].substr(sign + 1));
      } else if (i + 1 < words.size() && !words[i + 1].starts_with("--")) {
        values_.emplace(plain(words[i]), words[i + 1]);
        ++i;
      } else {
        values_.emplace(plain(words[i]), "");
      }
    }
  }
}

std::optional<std::string_view> ServerSettings::text(
    std::initializer_list<std::string_view> names) const {
  for (const std::string_view prefix : {"", "yaml.", "var."}) {
    for (const std::string_view name : names) {
      const auto found = values_.find(std::string(prefix) + std::string(name));
      if (found != values_.end()) return found->second;
    }
  }
  return std::nullopt;
}

std::optional<double> ServerSettings::number(std::initializer_list<std::string_view> names) const {
  for (const std::string_view prefix : {"", "yaml.", "var."}) {
    for (const std::string_view name : names) {
      const auto found = values_.find(std::string(prefix) + std::string(name));
      if (found == values_.end()) continue;
      if (const auto value = parse_number(found->second)) return value;
    }
  }
  return std::nullopt;
}

bool ServerSettings::has(std::string_view name) const { return values_.contains(name); }

}  // namespace kneepoint::predict
