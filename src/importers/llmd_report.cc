/// llm-d's benchmark report, versions 0.1, 0.2 and 0.2.1 (llm-d-benchmark, benchmark-report): one
/// load point in one YAML or JSON file, converted from the report of the tool that measured. Each
/// figure has its unit. Version 0.2 also describes the stack: model, accelerator, parallelism.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

using curve::LoadKind;
using metrics::Metric;

void read_metric(const Place& latencies, std::string_view name, Metric metric, Measured& m) {
  const Place from = latencies.at(name);
  if (!from.there()) return;
  const std::string unit = from.must_text("units");
  double scale = 0;
  if (unit.starts_with("ms")) scale = 1;
  if (unit == "s" || unit == "s/token") scale = 1000;
  if (unit.starts_with("us")) scale = 1e-3;
  if (scale == 0) {
    if (!unit.empty()) from.at("units").wrong(fmt::format("must be s, ms or us, and is {}", unit));
    return;
  }
  read_latency(from, {"mean", "p50", "p90", "p99"}, scale, metric, m);
}

void read_latencies(const Place& latencies, Measured& m) {
  read_metric(latencies, "time_to_first_token", Metric::Ttft, m);
  read_metric(latencies, "time_per_output_token", Metric::Tpot, m);
  read_metric(latencies, "inter_token_latency", Metric::Itl, m);
  read_metric(latencies, "normalized_time_per_output_token", Metric::Ntpot, m);
  read_metric(latencies, "request_latency", Metric::E2e, m);
}

std::optional<int> count_of(const Place& from, std::string_view key) {
  const double value = from.figure(key);
  if (metrics::is_missing(value)) return std::nullopt;
  if (value < 1 || value > 1e6 || value != static_cast<int>(value)) {
    from.at(key).wrong("must be a whole number of at least 1");
    return std::nullopt;
  }
  return static_cast<int>(value);
}

void read_requests(const Place& requests, Measured& m) {
  profile::Point& p = m.point;
  p.request_count = requests.some("total");
  p.error_count = requests.some("failures");
  if (p.request_count && p.error_count) {
    p.request_count = std::max(0.0, *p.request_count - *p.error_count);
  }
  if (requests.at("input_length").there())
    p.input_tokens_mean = requests.at("input_length").some("mean");
  if (requests.at("output_length").there())
    p.output_tokens_mean = requests.at("output_length").some("mean");
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;
}

/// `null` stands for infinite: no limit.
void set_load(const Place& where, double rate, double in_flight, Measured& m) {
  if (!metrics::is_missing(rate) && rate > 0) {
    m.load_kind = LoadKind::RequestRate;
    m.point.at.load = rate;
    if (!metrics::is_missing(in_flight)) flag(m, "client_limits_both_rate_and_concurrency");
  } else if (!metrics::is_missing(in_flight) && in_flight > 0) {
    m.load_kind = LoadKind::Concurrency;
    m.point.at.load = in_flight;
  } else if (m.point.request_count.value_or(0) > 0) {
    m.load_kind = LoadKind::Burst;
    m.point.at.load = *m.point.request_count;
    flag(m, "all_requests_sent_at_once");
  } else {
    where.wrong("names no rate and no concurrency: the load is not known");
  }
}

/// What is known of the tools it was converted from.
void flag_source(std::string_view tool, Measured& m) {
  flag(m, tool.empty() ? "definitions_of_source_tool_not_stated" : "converted_from_another_tool");
  if (!tool.empty()) flag(m, "clock_starts_at_send");
  const auto is = [&](std::string_view name) { return tool.find(name) != std::string_view::npos; };
  auto& latency = m.point.at.latency;
  if (is("guidellm") || is("aiperf")) {
    // Its ITL is their mean per request.
    for (const metrics::Statistic statistic : metrics::kStatistics) {
      const double value = latency.get(Metric::Itl, statistic);
      if (!metrics::is_missing(value)) latency.set(Metric::Tpot, statistic, value);
      latency.set(Metric::Itl, statistic, metrics::kMissing);
    }
    flag(m, "itl_percentiles_are_tpot");
  } else if (is("inference-perf")) {
    flag(m, "itl_by_client_tokenizer");
  } else if (is("vllm")) {
    flag(m, "itl_is_between_events");
  }
}

/// Unquoted in YAML it is a number.
std::string version_of(const Place& report) {
  const Place version = report.at("version");
  return version.is_number() ? shortest(version.as_number()) : version.as_text();
}

void read_v01(const Document& document, const Place& report, std::vector<Measured>& out) {
  Measured m = measured("llm-d benchmark report", document);
  m.tool_version = version_of(report);
  profile::Point& p = m.point;
  const Place scenario = report.at("scenario");
  m.setup.model = scenario.at("model").text("name");
  const Place accelerators = scenario.at({"host", "accelerator"});
  if (accelerators.size() > 0) {
    const Place first = accelerators.item(0);
    m.setup.accelerator = first.text("model");
    m.setup.accelerator_count = count_of(first, "count");
    if (first.at("parallelism").there())
      m.setup.tensor_parallel = count_of(first.at("parallelism"), "tp");
  }
  const Place metrics = report.at("metrics");
  read_requests(metrics.at("requests"), m);
  const Place rates = metrics.at("throughput");
  p.at.requests_per_second = rates.figure("requests_per_sec");
  p.at.output_tokens_per_second = rates.figure("output_tokens_per_sec");
  const double total = rates.figure("total_tokens_per_sec");
  if (total >= p.at.output_tokens_per_second) {
    p.at.input_tokens_per_second = total - p.at.output_tokens_per_second;
  }
  const Place start = metrics.at({"time", "start"});
  p.measured_on = start.is_number() ? date_of_seconds(start.as_number()) : date_of(start.as_text());
  read_latencies(metrics.at("latency"), m);
  const Place load = scenario.at("load");
  const Place arguments = load.at("args");
  const auto number = [&](std::string_view key) {
    return arguments.at(key).is_number() ? arguments.figure(key) : metrics::kMissing;
  };
  double rate = number("request_rate");
  if (metrics::is_missing(rate)) rate = number("rate");
  set_load(arguments, rate, number("max_concurrency"), m);
  flag_source(load.text("name"), m);
  out.push_back(std::move(m));
}

void read_stack(const Place& stack, Measured& m) {
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const Place part = stack.item(i).at("standardized");
    if (part.text("kind") != "inference_engine") continue;
    profile::ServingSetup& s = m.setup;
    if (s.model.empty()) s.model = part.at("model").text("name");
    const std::string tool = part.text("tool");
    const std::string version = part.text("tool_version");
    const auto colon = version.rfind(':');
    const bool image = version.find('/') != std::string::npos;
    if (tool == "llm-d") {
      s.serving_stack = "llm-d";
      s.serving_stack_version =
          image && colon != std::string::npos ? version.substr(colon + 1) : version;
      s.model_server = "vllm";  // the engine of llm-d's images
    } else {
      s.model_server = lower(tool);
      s.model_server_version =
          image && colon != std::string::npos ? version.substr(colon + 1) : version;
    }
    if (image) s.container_image = version;
    const Place accelerator = part.at("accelerator");
    s.accelerator = accelerator.text("model");
    s.accelerator_count = count_of(accelerator, "count");
    const Place split = accelerator.at("parallelism");
    s.tensor_parallel = count_of(split, "tp");
    s.pipeline_parallel = count_of(split, "pp");
    s.data_parallel = count_of(split, "dp");
    s.expert_parallel = count_of(split, "ep");
    const std::string role = part.text("role");
    if (role == "prefill" || role == "decode") s.decoding = "disaggregated";
    const auto workers = count_of(part, "replicas");
    if (role == "prefill") s.prefill.workers = workers;
    if (role == "decode") s.decode.workers = workers;
  }
}

std::optional<double> nominal(const Place& length) {
  return length.at("value").is_number() ? length.some("value") : std::nullopt;
}

void read_v02(const Document& document, const Place& report, std::vector<Measured>& out) {
  Measured m = measured("llm-d benchmark report", document);
  m.tool_version = version_of(report);
  profile::Point& p = m.point;
  const Place scenario = report.at("scenario");
  read_stack(scenario.at("stack"), m);
  const Place aggregate = report.at({"results", "request_performance", "aggregate"});
  if (!aggregate.there()) return aggregate.wrong("is missing; expected an object");
  read_requests(aggregate.at("requests"), m);
  const Place rates = aggregate.at("throughput");
  const auto rate_of = [&](std::string_view name) { return rates.at(name).figure("mean"); };
  p.at.requests_per_second = rate_of("request_rate");
  p.at.output_tokens_per_second = rate_of("output_token_rate");
  p.at.input_tokens_per_second = rate_of("input_token_rate");
  read_latencies(aggregate.at("latency"), m);
  const Place time = report.at({"run", "time"});
  p.measured_on = date_of(time.text(time.has("start") ? "start" : "end"));
  const Place load = scenario.at({"load", "standardized"});
  const auto number = [&](std::string_view key) {
    return load.at(key).is_number() ? load.figure(key) : metrics::kMissing;
  };
  m.workload.input_tokens_nominal = nominal(load.at("input_seq_len"));
  m.workload.output_tokens_nominal = nominal(load.at("output_seq_len"));
  set_load(load, number("rate_qps"), number("concurrency"), m);
  flag_source(load.text("tool"), m);
  out.push_back(std::move(m));
}

}  // namespace

bool knows_llmd_report(const Document& document) {
  if (document.values.size() != 1) return false;
  const auto* report = document.values.front().if_object();
  return report != nullptr && report->contains("version") && report->contains("scenario") &&
         (report->contains("metrics") || report->contains("results"));
}

void read_llmd_report(const Document& document, Faults& faults, std::vector<Measured>& out) {
  const Place report(document.values.front(), document.name + ":", faults);
  const std::string version = version_of(report);
  if (version == "0.1" && report.has("metrics")) return read_v01(document, report, out);
  if (version.starts_with("0.2") && report.has("results")) return read_v02(document, report, out);
  report.at("version").wrong("must be 0.1 (with metrics), 0.2 or 0.2.1 (with results)");
}

}  // namespace kneepoint::importers
