#include "perfmodel/step_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace kneepoint::perfmodel {
namespace {

struct Member {
  std::string_view text;
  std::string_view json;
  double LinearCoefficients::* value;
};
constexpr std::array kMembers{
    Member{"base", "base_ns", &LinearCoefficients::base},
    Member{"prefill", "prefill_token_ns", &LinearCoefficients::per_prefill_token},
    Member{"sequence", "sequence_ns", &LinearCoefficients::per_sequence},
    Member{"context", "context_token_ns", &LinearCoefficients::per_context_token},
    Member{"prefill-context", "prefill_context_ns", &LinearCoefficients::per_prefill_context},
};

// A step of more than a minute for one token is a slip of the unit.
constexpr double kMostNanos = 60e9;

struct Unit {
  std::string_view name;
  double nanos;
};
// Longer names first: "ms" also ends in "s".
constexpr std::array kUnits{Unit{"ns", 1}, Unit{"us", 1e3}, Unit{"ms", 1e6}, Unit{"s", 1e9}};

Result<double> parse_time(std::string_view text, std::string_view member) {
  for (const Unit& unit : kUnits) {
    if (!text.ends_with(unit.name)) continue;
    const auto number = parse_number(trim(text.substr(0, text.size() - unit.name.size())));
    if (!number) break;
    return *number * unit.nanos;
  }
  return fail(ErrorCode::InvalidArgument,
              fmt::format("{}: \"{}\" is no time; write a number and ns, us, ms or s, as in 33us",
                          member, text));
}

std::string time_text(double nanos) {
  const Unit* best = &kUnits.front();
  for (const Unit& unit : kUnits) {
    // Only a unit that gives back the same number, bit for bit.
    if (nanos >= unit.nanos && nanos / unit.nanos * unit.nanos == nanos) best = &unit;
  }
  return shortest(nanos / best->nanos) + std::string(best->name);
}

Result<LinearCoefficients> checked(const LinearCoefficients& of) {
  for (const Member& member : kMembers) {
    const double value = of.*member.value;
    if (!(value >= 0 && value <= kMostNanos)) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: must be from 0 to 60 s", member.text));
    }
  }
  return of;
}

std::string names(std::string_view Member::* which) {
  std::string out;
  for (const Member& member : kMembers) {
    if (!out.empty()) out += ", ";
    out += member.*which;
  }
  return out;
}

}  // namespace

Nanos StepTimeModel::decode_time(const StepShape& first, std::int64_t steps) {
  StepShape shape = first;
  Nanos sum{};
  for (std::int64_t i = 0; i < steps; ++i, shape.decode_context += shape.decodes) {
    sum += step_time(shape);
  }
  return sum;
}

Nanos LinearStepTime::step_time(const StepShape& shape) {
  double looked_at = 0;
  for (const PrefillChunk& chunk : shape.prefills) {
    const auto tokens = static_cast<double>(chunk.tokens);
    looked_at += tokens * (static_cast<double>(chunk.cached) + tokens / 2);
  }
  const double nanos = of_.base +
                       of_.per_prefill_token * static_cast<double>(shape.prefill_tokens) +
                       of_.per_sequence * static_cast<double>(shape.decodes) +
                       of_.per_context_token * static_cast<double>(shape.decode_context) +
                       of_.per_prefill_context * looked_at;
  return Nanos(std::max<std::int64_t>(1, static_cast<std::int64_t>(nanos + 0.5)));
}

Result<LinearCoefficients> parse_linear(std::string_view text) {
  LinearCoefficients out;
  for (const std::string_view part : split(text, ',')) {
    const auto equals = part.find('=');
    const std::string_view key = trim(part.substr(0, equals));
    const auto* member = std::ranges::find(kMembers, key, &Member::text);
    if (equals == std::string_view::npos || member == kMembers.end()) {
      return fail(
          ErrorCode::InvalidArgument,
          fmt::format("\"{}\": write name=time, the names being {}", part, names(&Member::text)));
    }
    const auto nanos = parse_time(trim(part.substr(equals + 1)), key);
    if (!nanos) return fail(nanos.error());
    out.*(member->value) = *nanos;
  }
  return checked(out);
}

std::string to_text(const LinearCoefficients& of) {
  std::string out;
  for (const Member& member : kMembers) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}={}", member.text, time_text(of.*member.value));
  }
  return out;
}

Result<LinearCoefficients> linear_from_json(const json::Value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) {
    return fail(ErrorCode::InvalidArgument,
                "a step time is an object with the members " + names(&Member::json));
  }
  LinearCoefficients out;
  for (const auto& [key, number] : *object) {
    const std::string_view name(key.data(), key.size());
    const auto* member = std::ranges::find(kMembers, name, &Member::json);
    if (member == kMembers.end()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: no such member of a step time; there are {}", name,
                              names(&Member::json)));
    }
    if (!number.is_number()) {
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("{}: must be a number of nanoseconds", name));
    }
    out.*(member->value) = number.to_number<double>();
  }
  return checked(out);
}

json::Value to_json(const LinearCoefficients& of) {
  json::Object out;
  for (const Member& member : kMembers) {
    out[boost::json::string_view(member.json.data(), member.json.size())] = of.*member.value;
  }
  return out;
}

}  // namespace kneepoint::perfmodel
