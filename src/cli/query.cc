#include "cli/query.h"

#include <fmt/format.h>

#include "app/query.h"

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

  if (auto known = app::check_pricing(catalog, out.pricing); !known) return fail(known.error());
  return out;
}

std::string assumptions(const Parsed& args, const recommend::Request& request) {
  return app::assumptions(request, args.given("--pricing-model"));
}

}  // namespace kneepoint::cli
