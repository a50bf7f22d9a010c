/// aiperf (ai-dynamo): profile_export_aiperf.json, one summary a run, each metric with its unit.
/// Its "inter_token_latency" is one mean per request: TPOT here. "inter_chunk_latency" holds every
/// gap of every request, and is ITL where it has one gap for each token after the first.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

using curve::LoadKind;
using metrics::Metric;

void read_metric(const Place& report, std::string_view name, Metric metric, Measured& m) {
  const Place from = report.at(name);
  if (!from.there()) return;
  const std::string unit = from.must_text("unit");
  const double scale = unit == "ms"                   ? 1
                       : unit == "sec" || unit == "s" ? 1000
                       : unit == "us"                 ? 1e-3
                                                      : 0;
  if (scale == 0) {
    if (!unit.empty()) from.at("unit").wrong(fmt::format("must be ms, sec or us, and is {}", unit));
    return;
  }
  read_latency(from, {"avg", "p50", "p90", "p99"}, scale, metric, m);
}

/// The phase that is measured; a warm-up phase stands before it.
Place profiling_phase(const Place& config) {
  const Place phases = config.at("phases");
  for (std::size_t i = 0; i < phases.size(); ++i) {
    if (phases.item(i).text("kind") == "profiling" || phases.item(i).text("name") == "profiling") {
      return phases.item(i);
    }
  }
  return config.at("loadgen");  // up to 0.2
}

void read_load(const Place& config, Measured& m) {
  const Place phase = profiling_phase(config);
  double rate = phase.figure("request_rate");
  if (metrics::is_missing(rate)) rate = phase.figure("rate");
  const double in_flight = phase.figure("concurrency");
  if (!metrics::is_missing(rate)) {
    m.load_kind = LoadKind::RequestRate;
    m.point.at.load = rate;
    if (!metrics::is_missing(in_flight)) flag(m, "client_limits_both_rate_and_concurrency");
  } else {
    m.load_kind = LoadKind::Concurrency;
    m.point.at.load = in_flight;
    if (metrics::is_missing(in_flight)) {
      phase.at("concurrency").wrong("is missing, and so is a rate: the load is not known");
    }
  }
}

std::string model_of(const Place& config) {
  const Place items = config.at({"models", "items"});
  if (items.size() > 0) return items.item(0).text("name");
  const Place names = config.has("endpoint") ? config.at({"endpoint", "model_names"}) : config;
  if (names.is_array() && names.size() > 0) return names.item(0).as_text();
  return "";
}

}  // namespace

bool knows_aiperf(const Document& document) {
  if (document.values.size() != 1) return false;
  const auto* report = document.values.front().if_object();
  return report != nullptr && report->contains("input_config") &&
         report->contains("request_throughput") &&
         (report->contains("aiperf_version") || report->contains("telemetry_data") ||
          report->contains("schema_version"));
}

void read_aiperf(const Document& document, Faults& faults, std::vector<Measured>& out) {
  const Place report(document.values.front(), document.name + ":", faults);
  Measured m = measured("aiperf", document);
  m.tool_version = report.text("aiperf_version");
  profile::Point& p = m.point;
  const Place config = report.at("input_config");
  m.setup.model = model_of(config);
  read_load(config, m);

  const auto mean = [&](std::string_view name) { return report.at(name).figure("avg"); };
  p.request_count = report.at("request_count").must_figure("avg");
  if (report.has("error_request_count")) p.error_count = mean("error_request_count");
  p.at.requests_per_second = report.at("request_throughput").must_figure("avg");
  p.at.output_tokens_per_second = mean("output_token_throughput");
  p.at.input_tokens_per_second = mean("input_token_throughput");
  p.input_tokens_mean = report.at("input_sequence_length").some("avg");
  p.output_tokens_mean = report.at("output_sequence_length").some("avg");
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;
  p.measured_on = date_of(report.text("start_time"));

  read_metric(report, "time_to_first_token", Metric::Ttft, m);
  read_metric(report, "inter_token_latency", Metric::Tpot, m);
  read_metric(report, "request_latency", Metric::E2e, m);
  const double gaps = report.at("inter_chunk_latency").figure("count");
  const double tokens = report.at("output_sequence_length").figure("sum");
  const bool one_gap_per_token = gaps == tokens - p.request_count.value_or(0);
  if (one_gap_per_token) {
    read_metric(report, "inter_chunk_latency", Metric::Itl, m);
  } else {
    flag(m, "itl_percentiles_are_tpot");
  }
  flag(m, "clock_starts_at_send");
  flag(m, "rates_include_start_and_drain");
  const Place by_server = report.at("usage_completion_tokens");
  if (!by_server.there()) flag(m, "tokens_counted_by_client");
  if (by_server.there() && by_server.figure("sum") != tokens) flag(m, "token_counts_disagree");
  const Place cancelled = report.at("was_cancelled");
  if (cancelled.there() && document.values.front().get_object().at("was_cancelled") == true) {
    flag(m, "not_completed");
  }
  out.push_back(std::move(m));
}

}  // namespace kneepoint::importers
