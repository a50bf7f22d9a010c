#include "verbs/question.h"

#include <fmt/format.h>

#include <array>

#include "app/query.h"

namespace kneepoint::verbs {
namespace {

using Words = std::string_view;

constexpr std::array<Words, 4> kDecodings{"serving", "speculative", "disaggregated", "any"};
constexpr std::array<Words, 4> kEvidences{"all", "measured", "published", "predicted"};
constexpr std::array<Words, 5> kMetricNames{"ttft", "tpot", "itl", "ntpot", "e2e"};
constexpr std::array<Words, 4> kStatisticNames{"p50", "mean", "p90", "p99"};
constexpr std::array<Words, 2> kRules{"closest", "exact"};
constexpr std::array<Words, 4> kPricingModels{"on-demand", "spot", "1-year-cud", "3-years-cud"};
constexpr double kMostTokens = 1e7, kMostMilliseconds = 1e9, kMostUsd = 1e9;

/// "v0.7.2" is how tags are written; versions are kept without the letter.
std::string version_of(std::string text) {
  if (text.size() > 1 && text[0] == 'v' && text[1] >= '0' && text[1] <= '9') text.erase(0, 1);
  return text;
}

std::vector<curve::Target> read_targets(Ask& ask) {
  std::vector<curve::Target> out;
  for (Ask& one : ask.objects("targets", 20)) {
    curve::Target target;
    one.required("metric");
    target.metric = *metrics::parse_metric(one.word("metric", kMetricNames));
    target.statistic = *metrics::parse_statistic(one.word("statistic", kStatisticNames));
    const auto most = one.positive("milliseconds", kMostMilliseconds);
    if (!most) one.wrong("milliseconds", "is required, above 0");
    target.at_most_ms = most.value_or(1);
    out.push_back(target);
  }
  return out;
}

}  // namespace

app::Selection read_selection(Ask& ask) {
  app::Selection out;
  out.model = ask.required("model");
  if (out.model == "any") out.model.clear();
  out.model_server = ask.text("modelServer");
  out.model_server_version = version_of(ask.text("modelServerVersion"));
  out.serving_stack = ask.text("servingStack");
  out.serving_stack_version = ask.text("servingStackVersion");
  out.accelerators = ask.texts("acceleratorTypes");
  out.use_case = ask.text("useCase");
  out.input_tokens = ask.positive("targetInputLength", kMostTokens);
  out.output_tokens = ask.positive("targetOutputLength", kMostTokens);
  if (out.input_tokens.has_value() != out.output_tokens.has_value()) {
    ask.wrong(out.input_tokens ? "targetOutputLength" : "targetInputLength",
              "the two lengths go together: give both");
  }
  if (!out.use_case.empty() && out.input_tokens) {
    ask.wrong("useCase", "give a use case or lengths, not both");
  }
  out.decoding = ask.word("decoding", kDecodings);
  out.evidence = *app::parse_evidence_wanted(ask.word("evidence", kEvidences));
  return out;
}

recommend::Request read_request(Ask& ask, const app::Session& session) {
  recommend::Request out;
  out.targets = read_targets(ask);
  if (ask.word("statisticRule", kRules) == "exact") {
    out.statistic_rule = curve::StatisticRule::Exact;
  }
  Ask pricing = ask.object("pricing");
  out.pricing.model = *catalog::parse_pricing_model(pricing.word("model", kPricingModels));
  if (const std::string provider = pricing.text("provider"); !provider.empty()) {
    out.pricing.provider = provider;
  }
  out.pricing.region = pricing.text("region");
  out.pricing.machine_type = pricing.text("machineType");
  out.pricing.whole_machine = pricing.flag("wholeMachine");
  out.pricing.today = session.settings().today;
  out.output_input_cost_ratio =
      pricing.positive("outputInputCostRatio", 1e4).value_or(out.output_input_cost_ratio);
  if (const auto known = app::check_pricing(session.catalog(), out.pricing); !known) {
    ask.wrong("pricing", known.error().message);
  }
  out.max_usd_per_million_input = ask.positive("maxUsdPerMillionInputTokens", kMostUsd);
  out.max_usd_per_million_output = ask.positive("maxUsdPerMillionOutputTokens", kMostUsd);
  out.max_usd_per_hour = ask.positive("maxUsdPerHour", kMostUsd);
  out.expected_requests_per_second = ask.positive("expectedRequestsPerSecond", 1e9);
  out.headroom = ask.number("headroom", 0, 0.95).value_or(out.headroom);
  out.min_available = ask.flag("minAvailable");
  return out;
}

bool names_pricing_model(const json::Object& ask) {
  const json::Value* pricing = ask.if_contains("pricing");
  if (pricing == nullptr || !pricing->is_object()) return false;
  const json::Value* model = pricing->get_object().if_contains("model");
  return model != nullptr && model->is_string() && !model->get_string().empty();
}

app::SetupWords read_setup(Ask& ask) {
  constexpr int kMost = 4096;
  app::SetupWords out;
  out.model = ask.required("model");
  out.accelerator = ask.required("acceleratorType");
  if (const std::string server = ask.text("modelServer"); !server.empty()) {
    out.model_server = server;
  }
  out.model_server_version = ask.text("modelServerVersion");
  out.accelerators = ask.whole("acceleratorCount", 1, kMost);
  out.tensor = ask.whole("tensorParallel", 1, kMost);
  out.pipeline = ask.whole("pipelineParallel", 1, kMost);
  out.data = ask.whole("dataParallel", 1, kMost);
  out.expert = ask.whole("expertParallel", 1, kMost);
  out.prefill_workers = ask.whole("prefillWorkers", 1, kMost);
  out.prefill_tensor = ask.whole("prefillTensorParallel", 1, kMost);
  out.decode_workers = ask.whole("decodeWorkers", 1, kMost);
  out.decode_tensor = ask.whole("decodeTensorParallel", 1, kMost);
  out.attention_dp = ask.flag("attentionDp");
  out.weight_precision = ask.text("weightPrecision");
  out.kv_precision = ask.text("kvPrecision");
  out.server_settings = ask.text("serverSettings", 10000);
  out.input_tokens = ask.positive("inputLength", 1e7).value_or(out.input_tokens);
  out.output_tokens = ask.positive("outputLength", 1e6).value_or(out.output_tokens);
  return out;
}

}  // namespace kneepoint::verbs
