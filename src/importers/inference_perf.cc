/// inference-perf's folder of reports: one JSON for each stage, times in seconds, and the config of
/// the run, which alone names the model and the lengths asked for. The summary over all stages
/// mixes loads and is left out; so are its records of single requests.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

using curve::LoadKind;
using metrics::Metric;
constexpr std::string_view kTool = "inference-perf";

const json::Object* only_object(const Document& document) {
  return document.values.size() == 1 ? document.values.front().if_object() : nullptr;
}

std::optional<double> nominal(const Place& lengths) {
  return lengths.is_object() ? lengths.some("mean") : std::nullopt;
}

}  // namespace

bool knows_inference_perf(const Document& document) {
  const auto* report = only_object(document);
  return report != nullptr && report->contains("load_summary") && report->contains("successes");
}

void read_inference_perf(const Document& document, Faults& faults, std::vector<Measured>& out) {
  const Place report(document.values.front(), document.name + ":", faults);
  Measured m = measured(kTool, document);
  profile::Point& p = m.point;
  const Place load = report.at("load_summary");
  if (load.has("concurrency")) {
    m.load_kind = LoadKind::Concurrency;
    p.at.load = load.must_figure("concurrency");
  } else if (load.has("requested_rate")) {
    m.load_kind = LoadKind::RequestRate;
    p.at.load = load.must_figure("requested_rate");
  } else {
    // A summary over stages of different loads is no load point.
    return;
  }
  const Place good = report.at("successes");
  p.request_count = good.must_figure("count");
  p.error_count = report.at("failures").some("count");
  const Place rates = good.at("throughput");
  p.at.requests_per_second = rates.must_figure("requests_per_sec");
  p.at.output_tokens_per_second = rates.figure("output_tokens_per_sec");
  p.at.input_tokens_per_second = rates.figure("input_tokens_per_sec");
  const Place input = good.has("prompt_tokens") ? good.at("prompt_tokens") : good.at("prompt_len");
  const Place by_server = good.at("output_tokens");
  p.input_tokens_mean = input.some("mean");
  p.output_tokens_mean = (by_server.there() ? by_server : good.at("output_len")).some("mean");
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;

  const Place latency = good.at("latency");
  const StatisticNames names{"mean", "median", "p90", "p99"};
  read_latency(latency.at("time_to_first_token"), names, 1000, Metric::Ttft, m);
  read_latency(latency.at("time_per_output_token"), names, 1000, Metric::Tpot, m);
  read_latency(latency.at("inter_token_latency"), names, 1000, Metric::Itl, m);
  read_latency(latency.at("normalized_time_per_output_token"), names, 1000, Metric::Ntpot, m);
  read_latency(latency.at("request_latency"), names, 1000, Metric::E2e, m);

  flag(m, "clock_starts_at_send");
  flag(m, "itl_by_client_tokenizer");
  flag(m, "rates_include_start_and_drain");
  flag(m, "warmup_not_cut");
  if (!by_server.there()) flag(m, "tokens_counted_by_client");
  if (good.figure("token_count_mismatches") > 0) flag(m, "token_counts_disagree");
  out.push_back(std::move(m));
}

bool knows_inference_perf_config(const Document& document) {
  const auto* config = only_object(document);
  return config != nullptr && config->contains("load") && config->contains("server") &&
         config->contains("api") && config->contains("data");
}

void read_inference_perf_config(const Document& document, Faults& faults,
                                std::vector<Measured>& out) {
  const Place config(document.values.front(), document.name + ":", faults);
  Measured m = measured(kTool, document);
  m.only_settings = true;
  const Place server = config.at("server");
  m.setup.model = server.text("model_name");
  m.setup.model_server = server.text("type");
  const Place data = config.at("data");
  const std::string kind = data.text("type");
  m.workload.input_tokens_nominal = nominal(data.at("input_distribution"));
  m.workload.output_tokens_nominal = nominal(data.at("output_distribution"));
  m.workload.name = kind;
  if (m.workload.input_tokens_nominal && m.workload.output_tokens_nominal) {
    m.workload.name = fmt::format("{}:{}/{}", kind, shortest(*m.workload.input_tokens_nominal),
                                  shortest(*m.workload.output_tokens_nominal));
  }
  out.push_back(std::move(m));
}

}  // namespace kneepoint::importers
