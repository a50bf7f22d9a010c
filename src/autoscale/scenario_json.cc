#include "autoscale/scenario_json.h"

#include <cmath>
#include <string>

#include "autoscale/spec_json.h"

namespace kneepoint::autoscale {
namespace {

using json::Value;

tl::unexpected<Error> invalid(std::string what) {
  return fail(ErrorCode::InvalidArgument, std::move(what));
}

std::optional<double> number_of(const Value* value) {
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

/// From 0 to a week.
std::optional<Time> time_of(const Value* value) {
  const auto seconds = number_of(value);
  if (!seconds || !(*seconds >= 0 && *seconds <= 604'800)) return std::nullopt;
  return Time(std::llround(*seconds * 1000));
}

}  // namespace

Result<Scenario> scenario_of(const json::Object& scenario) {
  Scenario out;
  const Value* hpa = scenario.if_contains("hpa");
  if (hpa == nullptr || !hpa->is_object()) return invalid("hpa is the spec of an HPA");
  auto spec = spec_of(hpa->get_object());
  if (!spec) return fail(std::move(spec).error().during("hpa"));
  out.spec = std::move(*spec);
  const auto replicas = number_of(scenario.if_contains("replicas"));
  if (!replicas || !(*replicas >= 0 && *replicas <= 1e6))
    return invalid("replicas is a number from 0");
  out.replicas = static_cast<int>(*replicas);
  const auto duration = time_of(scenario.if_contains("duration_s"));
  const auto startup = time_of(scenario.if_contains("startup_s"));
  if (!duration || !startup) return invalid("duration_s and startup_s are seconds from 0");
  out.duration = *duration;
  out.startup = *startup;
  const Value* total = scenario.if_contains("total");
  if (total == nullptr || !total->is_array() || total->get_array().empty())
    return invalid("total is a list of [second, value]");
  for (const Value& one : total->get_array()) {
    const auto* pair = one.if_array();
    const auto from = pair != nullptr && pair->size() == 2 ? time_of(&(*pair)[0]) : std::nullopt;
    const auto value = from ? number_of(&(*pair)[1]) : std::nullopt;
    if (!value || !(*value >= 0 && *value <= 1e12))
      return invalid("total is a list of [second, value]");
    out.total.emplace_back(*from, *value);
  }
  return out;
}

json::Array json_of(const std::vector<Step>& steps) {
  json::Array out;
  for (const Step& step : steps)
    out.emplace_back(json::Array{step.at.count(), step.decision.replicas});
  return out;
}

}  // namespace kneepoint::autoscale
