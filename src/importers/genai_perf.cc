/// genai-perf (Triton): profile_export_genai_perf.json, one summary a run. The same shape as
/// aiperf's, which followed it; its "inter_token_latency" is one mean per request too.
#include <fmt/format.h>

#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

using curve::LoadKind;
using metrics::Metric;

void read_metric(const Place& report, std::string_view name, Metric metric, Measured& m) {
  const Place from = report.at(name);
  if (!from.there()) return;
  const std::string unit = from.must_text("unit");
  if (!unit.empty() && unit != "ms") {
    from.at("unit").wrong(fmt::format("must be ms, and is {}", unit));
    return;
  }
  read_latency(from, {"avg", "p50", "p90", "p99"}, 1, metric, m);
}

/// Up to 0.0.11 the arguments are flat; later they follow the config file's sections.
Place stimulus_of(const Place& config) {
  const Place analyzer = config.at("perf_analyzer");
  return analyzer.is_object() && analyzer.has("stimulus") ? analyzer.at("stimulus") : config;
}

}  // namespace

bool knows_genai_perf(const Document& document) {
  if (document.values.size() != 1) return false;
  const auto* report = document.values.front().if_object();
  return report != nullptr && report->contains("input_config") &&
         report->contains("request_throughput") && report->contains("request_latency");
}

void read_genai_perf(const Document& document, Faults& faults, std::vector<Measured>& out) {
  const Place report(document.values.front(), document.name + ":", faults);
  Measured m = measured("genai-perf", document);
  profile::Point& p = m.point;
  const Place config = report.at("input_config");
  const Place models = config.has("model_names") ? config.at("model_names") : config.at("model");
  if (models.is_array() && models.size() > 0) m.setup.model = models.item(0).as_text();
  if (models.is_text()) m.setup.model = models.as_text();

  const Place stimulus = stimulus_of(config);
  const double rate = stimulus.figure("request_rate");
  const double in_flight = stimulus.figure("concurrency");
  if (!metrics::is_missing(rate)) {
    m.load_kind = LoadKind::RequestRate;
    p.at.load = rate;
  } else {
    m.load_kind = LoadKind::Concurrency;
    p.at.load = in_flight;
    if (metrics::is_missing(in_flight)) {
      stimulus.at("concurrency").wrong("is missing, and so is request_rate: the load is not known");
    }
  }

  const auto mean = [&](std::string_view name) { return report.at(name).figure("avg"); };
  p.request_count = report.at("request_count").some("avg");
  p.at.requests_per_second = report.at("request_throughput").must_figure("avg");
  p.at.output_tokens_per_second = mean("output_token_throughput");
  p.input_tokens_mean = report.at("input_sequence_length").some("avg");
  p.output_tokens_mean = report.at("output_sequence_length").some("avg");
  if (p.input_tokens_mean) {
    p.at.input_tokens_per_second = p.at.requests_per_second * *p.input_tokens_mean;
    derived(m, "input_tokens_per_second(requests/s x mean input tokens, by kneepoint)");
  }
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;

  read_metric(report, "time_to_first_token", Metric::Ttft, m);
  read_metric(report, "inter_token_latency", Metric::Tpot, m);
  read_metric(report, "request_latency", Metric::E2e, m);
  flag(m, "clock_starts_at_send");
  flag(m, "itl_percentiles_are_tpot");
  flag(m, "rates_include_start_and_drain");
  flag(m, "tokens_counted_by_client");
  out.push_back(std::move(m));
}

}  // namespace kneepoint::importers
