#include "app/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "base/text.h"

namespace kneepoint::app {

Result<void> check_pricing(const catalog::Catalog& catalog, const recommend::PricingRules& rules) {
  std::set<std::string> providers{"any"};
  std::set<std::string> regions;
  for (const catalog::Price& price : catalog.prices()) {
    providers.insert(price.provider);
    regions.insert(price.region);
  }
  for (const catalog::Machine& machine : catalog.machines()) providers.insert(machine.provider);
  for (const catalog::Region& region : catalog.regions()) regions.insert(region.region);
  if (!providers.contains(rules.provider)) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("unknown provider '{}'; there are {}", rules.provider,
                            fmt::join(providers, ", ")));
  }
  if (!rules.region.empty() && !regions.contains(rules.region)) {
    const auto close =
        nearest(rules.region, std::vector<std::string>(regions.begin(), regions.end()));
    return fail(ErrorCode::InvalidArgument,
                fmt::format("unknown region '{}'{}", rules.region,
                            close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
  }
  if (!rules.machine_type.empty()) {
    std::vector<std::string> types;
    for (const catalog::Machine& machine : catalog.machines())
      types.push_back(machine.machine_type);
    if (std::find(types.begin(), types.end(), rules.machine_type) == types.end()) {
      const auto close = nearest(rules.machine_type, types);
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("unknown instance type '{}'{}", rules.machine_type,
                              close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
    }
  }
  return {};
}

bool settle_workload(Selection& selection, recommend::Request& request) {
  if (!selection.use_case.empty()) return false;
  if (!selection.input_tokens) {
    selection.use_case = kUsualUseCase;
    return true;
  }
  request.input_tokens = selection.input_tokens;
  request.output_tokens = selection.output_tokens;
  selection.input_tokens.reset();
  selection.output_tokens.reset();
  return false;
}

std::string assumptions(const recommend::Request& request, bool pricing_model_given) {
  std::string out =
      fmt::format("prices: {}{} at {}{}", catalog::name(request.pricing.model),
                  pricing_model_given ? "" : " (default)", request.pricing.provider,
                  request.pricing.region.empty() ? "" : " in " + request.pricing.region);
  if (request.expected_requests_per_second) {
    out += fmt::format("; {} requests/s expected with {} % headroom",
                       shortest(*request.expected_requests_per_second),
                       shortest(std::round(request.headroom * 1000) / 10));
    if (request.min_available) out += " and one replica to lose";
  }
  std::vector<std::string> on;
  for (const curve::Target& target : request.targets) {
    const std::string statistic(metrics::name(target.statistic));
    if (std::find(on.begin(), on.end(), statistic) == on.end()) on.push_back(statistic);
  }
  if (!on.empty()) out += "; targets on " + join(on, ", ");
  return out;
}

}  // namespace kneepoint::app
