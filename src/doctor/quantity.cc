#include "doctor/quantity.h"

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "base/text.h"

namespace kneepoint::doctor {

std::optional<double> parse_quantity(std::string_view text) {
  const std::string_view number = text.substr(0, text.find_first_not_of("+-0123456789."));
  std::string_view suffix = text.substr(number.size());
  std::string_view digits = number;
  if (!digits.empty() && (digits.front() == '+' || digits.front() == '-')) digits.remove_prefix(1);
  if (digits.empty() || digits == "." || digits.find_first_of("+-") != std::string_view::npos) {
    return std::nullopt;
  }
  const auto value =
      parse_number(std::string(number.front() == '-' ? "-0" : "0") + std::string(digits));
  if (!value) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, double>, 16> kSuffixes{
      {{"", 1.0},
       {"n", 1e-9},
       {"u", 1e-6},
       {"m", 1e-3},
       {"k", 1e3},
       {"M", 1e6},
       {"G", 1e9},
       {"T", 1e12},
       {"P", 1e15},
       {"E", 1e18},
       {"Ki", 1024.0},
       {"Mi", 1048576.0},
       {"Gi", 1073741824.0},
       {"Ti", 1099511627776.0},
       {"Pi", 1125899906842624.0},
       {"Ei", 1152921504606846976.0}}};
  for (const auto& [name, factor] : kSuffixes) {
    if (suffix == name) return *value * factor;
  }
  if (suffix.front() == 'e' || suffix.front() == 'E') {
    suffix.remove_prefix(1);
    if (!suffix.empty() && suffix.front() == '+') suffix.remove_prefix(1);
    const auto power = parse_integer(suffix);
    if (power && std::abs(*power) <= 300)
      return *value * std::pow(10.0, static_cast<double>(*power));
  }
  return std::nullopt;
}

std::optional<double> parse_duration(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits{{{"ms", 1e-3},
                                                                              {"s", 1},
                                                                              {"m", 60},
                                                                              {"h", 3600},
                                                                              {"d", 86400},
                                                                              {"w", 604800},
                                                                              {"y", 31536000}}};
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double out = 0;
  while (!text.empty()) {
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    const auto number = parse_number(text.substr(0, digits));
    text.remove_prefix(digits);
    const std::string_view unit = text.substr(0, text.find_first_of("0123456789"));
    bool known = false;
    for (const auto& [name, seconds] : kUnits) {
      if (unit != name || !number) continue;
      out += *number * seconds;
      known = true;
    }
    if (!known) return std::nullopt;
    text.remove_prefix(unit.size());
  }
  return out;
}

}  // namespace kneepoint::doctor
