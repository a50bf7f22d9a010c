#include "autoscale/spec_json.h"

#include <cmath>
#include <string>

#include "base/text.h"

namespace kneepoint::autoscale {
namespace {

using json::Object;
using json::Value;

tl::unexpected<Error> invalid(std::string what) {
  return fail(ErrorCode::InvalidArgument, std::move(what));
}

const Object* object_at(const Object& from, std::string_view key) {
  const Value* found = from.if_contains(key);
  return found == nullptr ? nullptr : found->if_object();
}

std::string_view text_at(const Object& from, std::string_view key) {
  const Value* found = from.if_contains(key);
  const auto* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

/// Nothing where the key is absent; an error where it is no whole number of the range.
Result<std::optional<int>> count_at(const Object& from, std::string_view key, int least, int most) {
  const Value* found = from.if_contains(key);
  if (found == nullptr) return std::nullopt;
  const auto* number = found->if_int64();
  if (number == nullptr || *number < least || *number > most)
    return invalid(std::string(key) + " is a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most));
  return static_cast<int>(*number);
}

Result<Policy> policy_of(const Object& policy) {
  Policy out;
  const std::string_view type = text_at(policy, "type");
  if (type != "Pods" && type != "Percent") return invalid("a policy's type is Pods or Percent");
  out.type = type == "Pods" ? PolicyType::Pods : PolicyType::Percent;
  const auto value = count_at(policy, "value", 1, 1'000'000);
  const auto period = count_at(policy, "periodSeconds", 1, 1800);
  if (!value) return fail(value.error());
  if (!period) return fail(period.error());
  if (!*value || !*period) return invalid("a policy has value and periodSeconds");
  out.value = **value;
  out.period_seconds = **period;
  return out;
}

Result<void> read_rules(const Object& behavior, std::string_view direction, Rules& into) {
  const Object* rules = object_at(behavior, direction);
  if (rules == nullptr) return {};
  const auto window = count_at(*rules, "stabilizationWindowSeconds", 0, 3600);
  if (!window) return fail(window.error());
  if (*window) into.stabilization_seconds = **window;
  if (const std::string_view select = text_at(*rules, "selectPolicy"); !select.empty()) {
    if (select != "Max" && select != "Min" && select != "Disabled")
      return invalid("selectPolicy is Max, Min or Disabled");
    into.select = select == "Max" ? Select::Max : select == "Min" ? Select::Min : Select::Disabled;
  }
  if (const Value* tolerance = rules->if_contains("tolerance")) {
    const auto* text = tolerance->if_string();
    const auto value = text == nullptr ? std::nullopt : milli_quantity(std::string_view(*text));
    if (!value) return invalid("tolerance is a quantity, such as \"0.05\"");
    into.tolerance = static_cast<double>(*value) / 1000;
  }
  const Value* policies = rules->if_contains("policies");
  if (policies == nullptr) return {};
  if (!policies->is_array() || policies->get_array().empty())
    return invalid("policies is a list of at least one");
  into.policies.clear();
  for (const Value& one : policies->get_array()) {
    if (!one.is_object()) return invalid("a policy is an object");
    auto policy = policy_of(one.get_object());
    if (!policy) return fail(std::move(policy).error());
    into.policies.push_back(*policy);
  }
  return {};
}

Result<Metric> metric_of(const Object& metric) {
  const std::string_view type = text_at(metric, "type");
  if (type != "Pods" && type != "External")
    return fail(ErrorCode::Unsatisfiable,
                "metrics of type Pods and External are modelled, not " + std::string(type));
  const Object* source = object_at(metric, type == "Pods" ? "pods" : "external");
  const Object* target = source == nullptr ? nullptr : object_at(*source, "target");
  if (target == nullptr) return invalid("a metric has a target");
  Metric out;
  const bool by_value = text_at(*target, "type") == "Value" && type == "External";
  if (type == "External")
    out.kind = by_value ? MetricKind::ExternalValue : MetricKind::ExternalAverage;
  const auto quantity = milli_quantity(text_at(*target, by_value ? "value" : "averageValue"));
  if (!quantity || *quantity == 0) return invalid("a metric's target is a positive quantity");
  out.target_milli = *quantity;
  return out;
}

}  // namespace

std::optional<std::int64_t> milli_quantity(std::string_view text) {
  double scale = 1000;
  if (!text.empty()) {
    const char last = text.back();
    if (last == 'm') scale = 1;
    if (last == 'k') scale = 1e6;
    if (last == 'M') scale = 1e9;
    if (last == 'G') scale = 1e12;
    if (scale != 1000) text.remove_suffix(1);
  }
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos)
    return std::nullopt;
  const auto number = parse_number(text);
  if (!number || !(*number * scale < 9e18)) return std::nullopt;
  // A value such as 0.07 has no exact double: what is a hair above a whole number is that number.
  return static_cast<std::int64_t>(std::ceil(*number * scale - 1e-6));
}

Result<Spec> spec_of(const json::Object& hpa) {
  constexpr int kMost = 1'000'000;
  Spec out;
  const auto least = count_at(hpa, "minReplicas", 0, kMost);
  const auto most = count_at(hpa, "maxReplicas", 1, kMost);
  if (!least) return fail(least.error());
  if (!most) return fail(most.error());
  if (!*most) return invalid("maxReplicas is missing");
  out.min_replicas = least->value_or(1);
  out.max_replicas = **most;
  const Value* metrics = hpa.if_contains("metrics");
  if (metrics == nullptr || !metrics->is_array() || metrics->get_array().empty())
    return invalid("metrics is a list of at least one");
  for (const Value& one : metrics->get_array()) {
    if (!one.is_object()) return invalid("a metric is an object");
    auto metric = metric_of(one.get_object());
    if (!metric) return fail(std::move(metric).error());
    out.metrics.push_back(*metric);
  }
  if (const Object* behavior = object_at(hpa, "behavior")) {
    out.behavior.emplace();
    if (auto ok = read_rules(*behavior, "scaleUp", out.behavior->up); !ok) return fail(ok.error());
    if (auto ok = read_rules(*behavior, "scaleDown", out.behavior->down); !ok)
      return fail(ok.error());
  }
  return out;
}

}  // namespace kneepoint::autoscale
