#include "cli/query.h"

#include <fmt/format.h>

#include <set>

#include "base/text.h"

namespace kneepoint::cli {

app::Selection selection(const Parsed& args) {
  app::Selection out;
  out.model = args.text("--model");
  if (out.model == "any") out.model.clear();
  out.model_server = args.text("--model-server");
  out.model_server_version = args.text("--model-server-version");
  // "v0.7.2" is how tags are written; versions are kept without the letter.
  const std::string& version = out.model_server_version;
  if (version.size() > 1 && version[0] == 'v' && version[1] >= '0' && version[1] <= '9') {
    out.model_server_version.erase(0, 1);
  }
  out.serving_stack = args.text("--serving-stack");
  out.serving_stack_version = args.text("--serving-stack-version");
  out.use_case = args.text("--use-case");
  out.accelerators = args.list("--accelerator-type");
  out.input_tokens = args.number("--target-input-length");
  out.output_tokens = args.number("--target-output-length");
  const std::string decoding = args.text("--decoding");
  if (!decoding.empty()) out.decoding = decoding;
  if (const auto wanted = app::parse_evidence_wanted(args.text("--evidence"))) {
    out.evidence = *wanted;
  }
  return out;
}

std::vector<curve::Target> targets(const Parsed& args) {
  std::vector<curve::Target> out;
  for (const metrics::Metric metric : metrics::kMetrics) {
    const std::string flag = fmt::format("--target-{}-milliseconds", metrics::name(metric));
    if (const auto ms = args.number(flag)) out.push_back({metric, metrics::Statistic::P50, *ms});
  }
  return out;
}

Result<recommend::Request> request(Run& run) {
  const Parsed& args = run.args();
  const auto session = run.session();
  if (!session) return fail(session.error());
  const catalog::Catalog& catalog = (*session)->catalog();

  recommend::Request out;
  out.targets = targets(args);
  if (args.text("--statistic") == "exact") out.statistic_rule = curve::StatisticRule::Exact;
  out.pricing.model = catalog::parse_pricing_model(args.text("--pricing-model"))
                          .value_or(catalog::PricingModel::Spot);
  const std::string provider = args.text("--provider");
  if (!provider.empty()) out.pricing.provider = provider;
  out.pricing.region = args.text("--region");
  out.pricing.machine_type = args.text("--instance-type");
  out.pricing.whole_machine = args.on("--whole-machine");
  out.pricing.today = (*session)->settings().today;
  out.max_usd_per_million_input = args.number("--target-cost-per-million-input-tokens");
  out.max_usd_per_million_output = args.number("--target-cost-per-million-output-tokens");
  out.max_usd_per_hour = args.number("--max-price-per-hour");
  out.expected_requests_per_second = args.number("--expected-load");
  out.headroom = args.number("--headroom").value_or(out.headroom);
  out.min_available = args.on("--min-available");
  out.output_input_cost_ratio =
      args.number("--output-input-cost-ratio").value_or(out.output_input_cost_ratio);

  std::set<std::string> providers{"any"};
  std::set<std::string> regions;
  for (const catalog::Price& price : catalog.prices()) {
    providers.insert(price.provider);
    regions.insert(price.region);
  }
  for (const catalog::Machine& machine : catalog.machines()) providers.insert(machine.provider);
  for (const catalog::Region& region : catalog.regions()) regions.insert(region.region);
  if (!providers.contains(out.pricing.provider)) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("unknown provider '{}'; there are {}", out.pricing.provider,
                            fmt::join(providers, ", ")));
  }
  if (!out.pricing.region.empty() && !regions.contains(out.pricing.region)) {
    const auto close =
        nearest(out.pricing.region, std::vector<std::string>(regions.begin(), regions.end()));
    return fail(ErrorCode::InvalidArgument,
                fmt::format("unknown region '{}'{}", out.pricing.region,
                            close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
  }
  if (!out.pricing.machine_type.empty()) {
    std::vector<std::string> types;
    for (const catalog::Machine& machine : catalog.machines())
      types.push_back(machine.machine_type);
    if (std::find(types.begin(), types.end(), out.pricing.machine_type) == types.end()) {
      const auto close = nearest(out.pricing.machine_type, types);
      return fail(ErrorCode::InvalidArgument,
                  fmt::format("unknown instance type '{}'{}", out.pricing.machine_type,
                              close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
    }
  }
  return out;
}

std::string assumptions(const Parsed& args, const recommend::Request& request) {
  std::string out =
      fmt::format("prices: {}{} at {}{}", catalog::name(request.pricing.model),
                  args.given("--pricing-model") ? "" : " (default)", request.pricing.provider,
                  request.pricing.region.empty() ? "" : " in " + request.pricing.region);
  if (request.expected_requests_per_second) {
    out += fmt::format("; {} requests/s expected with {} % headroom",
                       shortest(*request.expected_requests_per_second),
                       shortest(std::round(request.headroom * 1000) / 10));
    if (request.min_available) out += " and one replica to lose";
  }
  if (!request.targets.empty()) out += "; targets on p50";
  return out;
}

}  // namespace kneepoint::cli
