/// `guidellm run` (0.8, also `guidellm benchmark` of 0.3 and later): one report, JSON or YAML, with
/// a benchmark for each load. Each metric has successful, errored and incomplete requests apart;
/// only the successful ones are taken. Its "inter-token latency" is one mean per request, so it is
/// TPOT here; its "time per output token" is end-to-end time / tokens: NTPOT.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

using curve::LoadKind;
using metrics::Metric;

void read_metric(const Place& all, std::string_view name, double scale, Metric metric,
                 Measured& m) {
  const Place from = all.at({name, "successful"});
  read_latency(from, {"mean", "median", "", ""}, scale, metric, m);
  read_latency(from.at("percentiles"), {"", "", "p90", "p99"}, scale, metric, m);
}

void read_load(const Place& strategy, Measured& m) {
  const std::string kind = strategy.must_text("type_");
  double& load = m.point.at.load;
  if (kind == "synchronous") {
    m.load_kind = LoadKind::Concurrency;
    load = 1;
  } else if (kind == "concurrent") {
    m.load_kind = LoadKind::Concurrency;
    load = strategy.must_figure("streams");
  } else if (kind == "constant" || kind == "poisson") {
    m.load_kind = LoadKind::RequestRate;
    load = strategy.must_figure("rate");
  } else if (kind == "async") {  // 0.3: with a constant or Poisson rate
    m.load_kind = LoadKind::RequestRate;
    load = strategy.must_figure("rate");
  } else if (kind == "throughput") {
    m.load_kind = LoadKind::Burst;
    load = strategy.figure("max_concurrency");
    if (metrics::is_missing(load)) load = m.point.request_count.value_or(metrics::kMissing);
    flag(m, "all_requests_sent_at_once");
  } else if (!kind.empty()) {
    strategy.at("type_").wrong(
        "must be synchronous, concurrent, throughput, constant or poisson: a "
        "benchmark without one load is no load point");
  }
}

void read_one(const Document& document, const Place& report, const Place& run,
              std::vector<Measured>& out) {
  Measured m = measured("guidellm", document);
  m.tool_version = report.at("metadata").text("guidellm_version");
  profile::Point& p = m.point;
  const Place config = run.has("config") ? run.at("config") : run.at("args");
  const Place backend = config.at("backend");
  if (backend.is_object()) m.setup.model = backend.text("model");
  if (m.setup.model.empty() && run.has("worker")) {
    m.setup.model = run.at("worker").text("backend_model");
  }

  const Place all = run.at("metrics");
  if (!all.is_object()) {
    all.wrong("is missing; expected an object");
    return;
  }
  const Place counts = all.at("request_totals");
  if (counts.there()) {
    p.request_count = counts.figure("successful");
    p.error_count = counts.some("errored");
  } else {
    p.request_count = all.at({"request_latency", "successful"}).some("count");
  }
  read_load(config.at("strategy"), m);

  const auto mean = [&](std::string_view name) {
    return all.at({name, "successful"}).figure("mean");
  };
  const auto some = [](double value) {
    return metrics::is_missing(value) ? std::nullopt : std::optional(value);
  };
  p.at.requests_per_second = all.at({"requests_per_second", "successful"}).must_figure("mean");
  p.at.output_tokens_per_second = mean("output_tokens_per_second");
  p.at.input_tokens_per_second = mean("prompt_tokens_per_second");
  p.input_tokens_mean = some(mean("prompt_token_count"));
  p.output_tokens_mean = some(mean("output_token_count"));
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;

  read_metric(all, "time_to_first_token_ms", 1, Metric::Ttft, m);
  read_metric(all, "inter_token_latency_ms", 1, Metric::Tpot, m);
  read_metric(all, "time_per_output_token_ms", 1, Metric::Ntpot, m);
  read_metric(all, "request_latency", 1000, Metric::E2e, m);
  p.measured_on = date_of_seconds(run.number("start_time"));

  flag(m, "clock_starts_at_send");
  flag(m, "itl_percentiles_are_tpot");
  const double weights = all.at({"inter_token_latency_ms", "successful"}).figure("count");
  if (weights > p.request_count.value_or(weights)) flag(m, "tpot_weighted_by_tokens");
  const double warmup = run.figure("warmup_duration");
  if (metrics::is_missing(warmup) || warmup == 0) flag(m, "warmup_not_cut");
  out.push_back(std::move(m));
}

}  // namespace

bool knows_guidellm(const Document& document) {
  if (document.values.size() != 1) return false;
  const auto* report = document.values.front().if_object();
  if (report == nullptr) return false;
  const auto* runs = report->if_contains("benchmarks");
  if (runs == nullptr || !runs->is_array() || runs->get_array().empty()) return false;
  const auto* first = runs->get_array().front().if_object();
  return first != nullptr && first->contains("metrics") &&
         (first->contains("scheduler_metrics") || first->contains("run_stats") ||
          first->contains("type_"));
}

void read_guidellm(const Document& document, Faults& faults, std::vector<Measured>& out) {
  const Place report(document.values.front(), document.name + ":", faults);
  const Place runs = report.at("benchmarks");
  for (std::size_t i = 0; i < runs.size(); ++i) read_one(document, report, runs.item(i), out);
}

}  // namespace kneepoint::importers
