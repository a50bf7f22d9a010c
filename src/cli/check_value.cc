#include "cli/check_value.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace kneepoint::cli {
namespace {

tl::unexpected<Error> refuse(const Flag& flag, std::string_view reason) {
  return fail(ErrorCode::InvalidArgument, std::string(flag.name) + " " + std::string(reason));
}

std::string takes(const Flag& flag) {
  std::string words = flag.type == FlagType::Integer ? "takes a whole number" : "takes a number";
  if (flag.unit.starts_with("a share")) return words + " that is " + std::string(flag.unit);
  if (!flag.unit.empty()) words += " of " + std::string(flag.unit);
  return words;
}

// "300ms", "0.3s", "$4", "20%", "1,000": the number that was meant, if it is clear.
std::string meant_number(const Flag& flag, std::string_view value) {
  std::string digits;
  for (const char c : value) {
    if (c != ',' && c != '_' && c != '$') digits += c;
  }
  const std::size_t end = std::min(digits.find_first_not_of("0123456789."), digits.size());
  const std::string unit = lower(trim(std::string_view(digits).substr(end)));
  const std::optional<double> bare = parse_number(std::string_view(digits).substr(0, end));
  if (!bare) return {};
  double number = *bare;
  if (flag.unit == "milliseconds") {
    if (unit == "s" || unit == "sec" || unit == "seconds") {
      number *= 1000;
    } else if (!unit.empty() && unit != "ms" && unit != "msec" && unit != "milliseconds") {
      return {};
    }
  } else if (unit == "%" && flag.unit.starts_with("a share")) {
    number /= 100;
  } else if (unit == "k") {
    number *= 1000;
  }
  if (flag.type == FlagType::Integer && number != std::trunc(number)) return {};
  if (number < flag.min || number > flag.max) return {};
  return shortest(number);
}

Result<void> check_number(const Flag& flag, std::string_view value) {
  const bool whole = flag.type == FlagType::Integer;
  const std::optional<double> number = parse_number(value);
  if (!number) {
    const std::string meant = meant_number(flag, value);
    if (!meant.empty()) return refuse(flag, takes(flag) + ", without a unit: " + meant);
    return refuse(flag, takes(flag) + ", not \"" + std::string(value) + "\"");
  }
  if (whole && !parse_integer(value)) {
    return refuse(flag, takes(flag) + ", not " + std::string(value));
  }
  if (flag.above_min && *number <= flag.min) {
    return refuse(flag, "must be above " + shortest(flag.min) + ", not " + std::string(value));
  }
  if (*number < flag.min) {
    return refuse(flag, "must be at least " + shortest(flag.min) + ", not " + std::string(value));
  }
  if (*number > flag.max) {
    return refuse(flag, "must be at most " + shortest(flag.max) + ", not " + std::string(value));
  }
  return {};
}

Result<void> check_choice(const Flag& flag, std::string_view value) {
  if (std::find(flag.choices.begin(), flag.choices.end(), value) != flag.choices.end()) return {};
  std::string reason = "takes " + one_of(flag.choices) + ", not \"" + std::string(value) + "\"";
  const std::vector<std::string> close =
      nearest(value, {flag.choices.begin(), flag.choices.end()}, 1);
  if (!close.empty()) reason += "; did you mean " + close.front() + "?";
  return refuse(flag, reason);
}

// "table", or "table(model,cost)".
Result<void> check_format(const Flag& flag, std::string_view value) {
  const std::size_t open = value.find('(');
  if (open == std::string_view::npos) return check_choice(flag, value);
  if (Result<void> known = check_choice(flag, value.substr(0, open)); !known) return known;
  const std::string_view fields = value.substr(open + 1);
  if (fields.size() < 2 || fields.back() != ')' ||
      fields.substr(0, fields.size() - 1).find_first_of("()") != std::string_view::npos) {
    return refuse(flag, "takes fields in one pair of parentheses: table(model,acceleratorType)");
  }
  const bool named =
      fields.substr(0, fields.size() - 1).find_first_not_of(", ") != std::string_view::npos;
  if (!named) return refuse(flag, "names no field in " + std::string(value));
  return {};
}

}  // namespace

std::string one_of(std::span<const std::string_view> choices) {
  std::string words;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) words += i + 1 == choices.size() ? " or " : ", ";
    words += choices[i];
  }
  return words;
}

Result<void> check_value(const Flag& flag, std::string_view value) {
  const bool list_of_nothing =
      flag.type == FlagType::List && value.find_first_not_of(", \t") == std::string_view::npos;
  if (trim(value).empty() || list_of_nothing) {
    return refuse(flag, "needs a value: " + std::string(flag.name) + "=" + std::string(flag.value));
  }
  if (value.starts_with("--")) {
    return refuse(flag, "needs a value before " + std::string(value) + ": " +
                            std::string(flag.name) + "=" + std::string(flag.value));
  }
  switch (flag.type) {
    case FlagType::Integer:
    case FlagType::Number:
      return check_number(flag, value);
    case FlagType::Choice:
      return check_choice(flag, value);
    case FlagType::Format:
      return check_format(flag, value);
    default:
      return {};
  }
}

}  // namespace kneepoint::cli
