#include "doctor/names.h"

#include <algorithm>

namespace kneepoint::doctor {
namespace {

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool word(char c) { return lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

template <class Allowed>
bool all(std::string_view text, Allowed allowed) {
  return std::all_of(text.begin(), text.end(), allowed);
}

std::string too_long(std::size_t most) {
  return "has at most " + std::to_string(most) + " characters";
}

bool dns_label(std::string_view text) {
  return !text.empty() && lower_or_digit(text.front()) && lower_or_digit(text.back()) &&
         all(text, [](char c) { return lower_or_digit(c) || c == '-'; });
}

bool qualified(std::string_view text) {
  return !text.empty() && word(text.front()) && word(text.back()) &&
         all(text, [](char c) { return word(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

std::string wrong_with_dns_label(std::string_view text) {
  if (text.size() > 63) return too_long(63);
  return dns_label(text) ? ""
                         : "has lower case letters, digits and '-' only, and starts and ends with "
                           "one of the first two";
}

std::string wrong_with_subdomain(std::string_view text) {
  if (text.size() > 253) return too_long(253);
  for (std::string_view left = text;;) {
    const auto dot = left.find('.');
    if (!dns_label(left.substr(0, dot))) {
      return "has lower case letters, digits, '-' and '.' only, and starts and ends with a letter "
             "or digit";
    }
    if (dot == std::string_view::npos) return {};
    left.remove_prefix(dot + 1);
  }
}

std::string wrong_with_key(std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    if (!wrong_with_subdomain(text.substr(0, slash)).empty()) {
      return "must have a DNS name in front of its slash";
    }
    text.remove_prefix(slash + 1);
  }
  if (text.size() > 63) return too_long(63);
  return qualified(text) ? ""
                         : "must consist of letters, digits, '-', '_' and '.', starting and ending "
                           "with a letter or digit";
}

std::string wrong_with_label_value(std::string_view text) {
  if (text.size() > 63) return too_long(63);
  return text.empty() || qualified(text) ? ""
                                         : "consists of letters, digits, '-', '_' and '.', "
                                           "starting and ending with a letter or digit";
}

std::string wrong_with_config_key(std::string_view text) {
  if (text.size() > 253) return too_long(253);
  if (text == "." || text == ".." || text.starts_with("..")) return "must not start with '..'";
  return !text.empty() &&
                 all(text, [](char c) { return word(c) || c == '-' || c == '_' || c == '.'; })
             ? ""
             : "consists of letters, digits, '-', '_' and '.'";
}

std::string wrong_with_port_name(std::string_view text) {
  if (text.size() > 15) return too_long(15);
  if (!dns_label(text)) return "has lower case letters, digits and '-' only";
  if (text.find("--") != std::string_view::npos) return "has no two '-' in a row";
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; })
             ? ""
             : "has at least one letter";
}

std::string wrong_with_env_name(std::string_view text) {
  if (text.empty()) return "must not be empty";
  return all(text, [](char c) { return c > 0x20 && c < 0x7f && c != '='; })
             ? ""
             : "consists of printable characters without '='";
}

}  // namespace kneepoint::doctor
