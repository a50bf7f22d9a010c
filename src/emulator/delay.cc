#include "emulator/delay.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/portable_math.h"
#include "base/text.h"

namespace kneepoint::emulator {
namespace {

constexpr double kLongest = 3600e9;

struct Unit {
  std::string_view name;
  double nanos;
};
constexpr std::array kUnits{Unit{"ns", 1}, Unit{"us", 1e3}, Unit{"ms", 1e6}, Unit{"s", 1e9},
                            Unit{"m", 60e9}};

struct Kind {
  std::string_view name;
  DelayKind kind;
  std::size_t numbers;
};
constexpr std::array kKinds{
    Kind{"constant", DelayKind::Constant, 1}, Kind{"uniform", DelayKind::Uniform, 2},
    Kind{"normal", DelayKind::Normal, 2}, Kind{"lognormal", DelayKind::Lognormal, 2},
    Kind{"exponential", DelayKind::Exponential, 1}};

Result<double> parse_nanos(std::string_view text) {
  const std::size_t end = text.find_last_of("0123456789.");
  const std::string_view unit = end == std::string_view::npos ? text : text.substr(end + 1);
  const auto found = std::find_if(kUnits.begin(), kUnits.end(),
                                  [unit](const Unit& known) { return known.name == unit; });
  const auto number = parse_number(text.substr(0, text.size() - unit.size()));
  if (!number || found == kUnits.end()) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\" is no time: write a number and a unit, such as 10ms, 0.5s or "
                            "250us",
                            text));
  }
  const double nanos = *number * found->nanos;
  if (nanos < 0 || nanos > kLongest) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\" is not between 0 and one hour", text));
  }
  return nanos;
}

std::string nanos_text(double nanos) {
  for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
    const double count = nanos / unit->nanos;
    if (count >= 1 && count == std::round(count)) {
      return fmt::format("{}{}", shortest(count), unit->name);
    }
  }
  return nanos == 0 ? "0ms" : shortest(nanos) + "ns";
}

}  // namespace

Nanos DelaySpec::draw(Random& random) const {
  double value = first;
  switch (kind) {
    case DelayKind::Constant:
      break;
    case DelayKind::Uniform:
      value = first + (second - first) * random.uniform();
      break;
    case DelayKind::Normal:
      value = first + second * random.normal();
      break;
    case DelayKind::Lognormal:
      value = first * portable_exp(second * random.normal());
      break;
    case DelayKind::Exponential:
      value = first * random.exponential();
      break;
  }
  return Nanos(static_cast<std::int64_t>(std::clamp(value, 0.0, kLongest)));
}

double DelaySpec::mean() const {
  switch (kind) {
    case DelayKind::Uniform:
      return (first + second) / 2;
    case DelayKind::Lognormal:
      return first * portable_exp(second * second / 2);
    default:
      return first;
  }
}

Result<DelaySpec> parse_delay(std::string_view text) {
  const std::size_t colon = text.find(':');
  DelaySpec spec;
  if (colon == std::string_view::npos) {
    const auto value = parse_nanos(trim(text));
    if (!value) return fail(value.error());
    spec.first = *value;
    return spec;
  }
  const std::string_view word = trim(text.substr(0, colon));
  const auto found =
      std::find_if(kKinds.begin(), kKinds.end(), [word](const Kind& k) { return k.name == word; });
  const auto parts = split(text.substr(colon + 1), ',');
  if (found == kKinds.end() || parts.size() != found->numbers) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\" is no delay: write 10ms, uniform:5ms,15ms, normal:10ms,2ms, "
                            "lognormal:100ms,0.5 (median, sigma) or exponential:10ms",
                            text));
  }
  spec.kind = found->kind;
  const auto first = parse_nanos(parts[0]);
  if (!first) return fail(first.error());
  spec.first = *first;
  if (spec.kind == DelayKind::Lognormal) {
    const auto sigma = parse_number(parts[1]);
    if (!sigma || *sigma < 0 || *sigma > 5) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("\"{}\": the second number of a lognormal delay is the standard "
                              "deviation of the logarithm, from 0 to 5, without a unit",
                              text));
    }
    spec.second = *sigma;
  } else if (parts.size() == 2) {
    const auto second = parse_nanos(parts[1]);
    if (!second) return fail(second.error());
    spec.second = *second;
    if (spec.kind == DelayKind::Uniform && spec.second < spec.first) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("\"{}\": the first number is the least, the second the most", text));
    }
  }
  return spec;
}

std::string to_text(const DelaySpec& spec) {
  if (spec.kind == DelayKind::Constant) return nanos_text(spec.first);
  const auto found = std::find_if(kKinds.begin(), kKinds.end(),
                                  [&spec](const Kind& k) { return k.kind == spec.kind; });
  std::string text = fmt::format("{}:{}", found->name, nanos_text(spec.first));
  if (found->numbers == 2) {
    text += ",";
    text += spec.kind == DelayKind::Lognormal ? shortest(spec.second) : nanos_text(spec.second);
  }
  return text;
}

Result<Nanos> parse_duration(std::string_view text) {
  const auto nanos = parse_nanos(trim(text));
  if (!nanos) return fail(nanos.error());
  return Nanos(static_cast<std::int64_t>(*nanos));
}

}  // namespace kneepoint::emulator
