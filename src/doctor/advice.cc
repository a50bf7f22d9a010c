#include "doctor/advice.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "doctor/finding.h"

namespace kneepoint::doctor {
namespace {

bool harmless(std::string_view text) {
  if (text.empty() || text.size() > 128 || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._:/@=+-,").find(c) != std::string_view::npos;
  });
}

class Filler {
 public:
  Filler(const std::vector<std::string>& captures, bool command)
      : captures_(captures), command_(command) {}

  /// What stands between braces; nothing when that is no group of the pattern.
  std::optional<std::string> value(std::string_view inside) const {
    const auto digits = inside.find_first_not_of("0123456789");
    const auto group = number(inside.substr(0, digits));
    if (!group) return std::nullopt;
    const std::string_view rest = digits == std::string_view::npos ? "" : inside.substr(digits);
    const std::string_view text = *group;
    if (rest.empty()) return shown(text, command_ ? "VALUE" : "?");
    switch (rest.front()) {
      case '|':
        return text.empty() ? std::string(rest.substr(1)) : shown(text, "VALUE");
      case ':':
        return shown(text.substr(0, text.find_first_of(":=")), command_ ? "VALUE" : "?");
      case '/': {
        const auto below = number(rest.substr(1));
        const auto a = parse_number(text), b = below ? parse_number(*below) : std::nullopt;
        if (!a || !b || *b <= 0) return std::string("VALUE");
        return fixed(std::floor(*a / *b * 100) / 100, 2);
      }
      case '*': {
        const auto a = parse_number(text), factor = parse_number(rest.substr(1));
        if (!a || !factor) return std::string("VALUE");
        return fixed(std::floor(*a * *factor), 0);
      }
      default:
        return std::nullopt;
    }
  }

 private:
  std::optional<std::string_view> number(std::string_view digits) const {
    const auto n = parse_integer(digits);
    if (!n || *n < 1 || *n > static_cast<long long>(captures_.size())) return std::nullopt;
    return captures_[static_cast<std::size_t>(*n - 1)];
  }
  std::string shown(std::string_view text, const char* otherwise) const {
    if (command_) return harmless(text) ? std::string(text) : std::string(otherwise);
    return text.empty() ? std::string(otherwise) : evidence_of(text, 0, 0, 160);
  }

  const std::vector<std::string>& captures_;
  bool command_;
};

std::string filled(std::string_view advice, const Filler& filler) {
  std::string out;
  while (!advice.empty()) {
    const auto open = advice.find('{');
    out += advice.substr(0, open);
    if (open == std::string_view::npos) break;
    advice.remove_prefix(open);
    const auto close = advice.find('}');
    const auto value =
        close == std::string_view::npos ? std::nullopt : filler.value(advice.substr(1, close - 1));
    if (value) {
      out += *value;
      advice.remove_prefix(close + 1);
    } else {
      out += '{';
      advice.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::string fill(std::string_view advice, const std::vector<std::string>& captures) {
  return filled(advice, Filler(captures, false));
}

std::string fill_command(std::string_view command, const std::vector<std::string>& captures) {
  return filled(command, Filler(captures, true));
}

}  // namespace kneepoint::doctor
