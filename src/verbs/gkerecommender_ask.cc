#include "verbs/gkerecommender_ask.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace kneepoint::verbs {
namespace {

constexpr std::int64_t kInt32Max = 2'147'483'647;
constexpr std::int64_t kLongestTokens = 100'000'000;

/// Dollars. Nanos past the documented range count as what they are: one client sends 1.5 dollars as
/// 1500000000 of them. No limit is what a zero means: another always sends both.
std::optional<double> read_amount(Reader amount) {
  const auto units = amount.integer("units", 0, 1'000'000'000);
  const auto nanos = amount.integer("nanos", 0, 1'000'000'000'000'000'000);
  const double usd =
      static_cast<double>(units.value_or(0)) + static_cast<double>(nanos.value_or(0)) * 1e-9;
  return usd > 0 ? std::optional(usd) : std::nullopt;
}

const catalog::Machine* smallest_machine(const catalog::Catalog& catalog,
                                         std::string_view accelerator, std::optional<int> count) {
  const catalog::Machine* best = nullptr;
  const double wanted = count.value_or(1);
  // Google's before others', machines that hold a whole replica before parts of one, then the
  // smallest.
  const auto rank = [&](const catalog::Machine& machine) {
    const bool whole = machine.accelerator_count >= wanted;
    return std::tuple(machine.provider != "gcp", !whole,
                      whole ? machine.accelerator_count : -machine.accelerator_count);
  };
  for (const catalog::Machine& machine : catalog.machines()) {
    if (machine.accelerator != accelerator) continue;
    if (best == nullptr || rank(machine) < rank(*best)) best = &machine;
  }
  return best;
}

}  // namespace

std::string version_of(std::string text) {
  if (text.size() > 1 && text[0] == 'v' && text[1] >= '0' && text[1] <= '9') text.erase(0, 1);
  return text;
}

void read_server_info(Reader info, bool required, app::Selection& into) {
  into.model = required ? info.required_text("model") : info.text("model");
  into.model_server = required ? info.required_text("modelServer") : info.text("modelServer");
  into.model_server_version = version_of(info.text("modelServerVersion"));
}

void read_serving_stack(Reader stack, app::Selection& into) {
  into.serving_stack = stack.text("name");
  into.serving_stack_version = version_of(stack.text("version"));
}

void read_workload(Reader spec, app::Selection& into) {
  into.use_case = spec.text("useCase");
  const auto input = spec.integer("averageInputLength", 0, kLongestTokens);
  const auto output = spec.integer("averageOutputLength", 0, kLongestTokens);
  const bool in = input.value_or(0) > 0, out = output.value_or(0) > 0;
  if (in != out) {
    spec.refuse(in ? "averageOutputLength" : "averageInputLength",
                "lengths are asked for together, input and output");
  }
  if (in) into.input_tokens = static_cast<double>(*input);
  if (out) into.output_tokens = static_cast<double>(*output);
}

void read_pricing_model(Reader& read, std::string_view name, recommend::Request& into) {
  const std::string word = lower(read.text(name));
  if (word.empty()) return;
  if (const auto model = catalog::parse_pricing_model(word)) {
    into.pricing.model = *model;
  } else {
    read.refuse(name, fmt::format("unknown pricing model '{}'; there are spot, on-demand, "
                                  "1-year-cud and 3-years-cud",
                                  word));
  }
}

void read_requirements(Reader requirements, recommend::Request& into) {
  using metrics::Metric;
  for (const auto& [name, metric] : {std::pair{"targetNtpotMilliseconds", Metric::Ntpot},
                                     {"targetTtftMilliseconds", Metric::Ttft},
                                     {"targetItlMilliseconds", Metric::Itl}}) {
    if (const auto ms = requirements.integer(name, 1, kInt32Max)) {
      into.targets.push_back({metric, metrics::Statistic::P50, static_cast<double>(*ms)});
    }
  }
  Reader cost = requirements.message("targetCost");
  into.max_usd_per_million_output = read_amount(cost.message("costPerMillionOutputTokens"));
  into.max_usd_per_million_input = read_amount(cost.message("costPerMillionInputTokens"));
  read_pricing_model(cost, "pricingModel", into);
  into.output_input_cost_ratio =
      cost.number("outputInputCostRatio", 0.001, 1000).value_or(into.output_input_cost_ratio);
}

void read_instance_type(Reader& read, const catalog::Catalog& catalog, recommend::Request& into) {
  into.pricing.machine_type = read.text("instanceType");
  if (into.pricing.machine_type.empty()) return;
  std::vector<std::string> types;
  for (const catalog::Machine& machine : catalog.machines()) types.push_back(machine.machine_type);
  if (std::find(types.begin(), types.end(), into.pricing.machine_type) != types.end()) return;
  const auto close = nearest(into.pricing.machine_type, types);
  read.refuse("instanceType",
              fmt::format("unknown machine type '{}'{}", into.pricing.machine_type,
                          close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
}

recommend::Request default_request(const Call& call) {
  recommend::Request out;
  out.pricing.model = catalog::PricingModel::Spot;
  out.pricing.today = call.session.settings().today;
  return out;
}

std::string assumptions(const recommend::Request& request, bool pricing_given) {
  std::string out = fmt::format("prices: {}{} at {}", catalog::name(request.pricing.model),
                                pricing_given ? "" : " (default)", request.pricing.provider);
  if (!request.targets.empty()) out += "; targets on p50";
  return out;
}

void put_machine(json::Object& profile, const catalog::Catalog& catalog,
                 std::string_view accelerator, std::optional<int> count) {
  if (profile.contains("instanceType")) return;
  const catalog::Machine* machine = smallest_machine(catalog, accelerator, count);
  profile.emplace("instanceType", machine == nullptr ? "unknown" : machine->machine_type);
  if (machine != nullptr && !machine->tpu_topology.empty()) {
    profile.emplace("tpuTopology", machine->tpu_topology);
  }
}

void put_model_info(json::Object& profile, app::ModelInfos& infos, std::string_view model,
                    std::string_view weight_precision, std::string_view kv_precision) {
  const json::Object& info = infos.of(model, weight_precision, kv_precision);
  if (!info.empty()) profile.emplace("modelInfo", info);
}

void raise_zeros(json::Object& profile) {
  json::Value* stats = profile.if_contains("performanceStats");
  if (stats == nullptr) return;
  for (json::Value& one : stats->as_array()) {
    for (auto& member : one.as_object()) {
      if (member.value().is_int64() && member.value().get_int64() == 0) member.value() = 1;
    }
  }
}

}  // namespace kneepoint::verbs
