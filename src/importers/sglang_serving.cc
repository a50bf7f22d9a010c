/// `python -m sglang.bench_serving --output-file`: a line of flat JSON for each run, times in
/// milliseconds. It names no model and no version; the dataset and its lengths it does.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

using metrics::Metric;

void read_one(const Document& document, const Place& run, std::vector<Measured>& out) {
  Measured m = measured("sglang.bench_serving", document);
  m.setup.model = run.text("model");
  profile::Point& p = m.point;
  if (run.at("server_info").is_object()) {
    const Place server = run.at("server_info");
    if (m.setup.model.empty()) m.setup.model = server.text("served_model_name");
    if (server.has("version")) {
      m.setup.model_server = "sglang";
      m.setup.model_server_version = server.text("version");
    }
  }
  const std::string dataset = run.text("dataset_name");
  if (dataset.starts_with("random")) {
    m.workload.input_tokens_nominal = run.some("random_input_len");
    m.workload.output_tokens_nominal = run.some("random_output_len");
    const double ratio = run.figure("random_range_ratio");
    if (m.workload.input_tokens_nominal && m.workload.output_tokens_nominal) {
      m.workload.name = fmt::format("random:{}/{}{}", shortest(*m.workload.input_tokens_nominal),
                                    shortest(*m.workload.output_tokens_nominal),
                                    ratio < 1 ? fmt::format(":range{}", shortest(ratio)) : "");
    }
  } else {
    m.workload.name = dataset;
  }

  const double completed = run.must_figure("completed");
  p.request_count = completed;
  p.at.requests_per_second = run.must_figure("request_throughput");
  p.at.input_tokens_per_second = run.figure("input_throughput");
  p.at.output_tokens_per_second = run.must_figure("output_throughput");
  if (completed > 0) {
    p.input_tokens_mean = run.must_figure("total_input_tokens") / completed;
    p.output_tokens_mean = run.must_figure("total_output_tokens") / completed;
  }
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;

  // Infinity, where no rate was asked for, is no JSON and was read as null; "inf" is a text.
  const double in_flight = run.figure("max_concurrency");
  const Place rate = run.at("request_rate");
  if (rate.is_number()) {
    m.load_kind = curve::LoadKind::RequestRate;
    p.at.load = run.figure("request_rate");
    if (!metrics::is_missing(in_flight)) flag(m, "client_limits_both_rate_and_concurrency");
  } else if (!metrics::is_missing(in_flight)) {
    m.load_kind = curve::LoadKind::Concurrency;
    p.at.load = in_flight;
  } else {
    m.load_kind = curve::LoadKind::Burst;
    p.at.load = completed;
    flag(m, "all_requests_sent_at_once");
  }

  const auto latency = [&](std::string_view name, Metric metric) {
    const std::string mean = fmt::format("mean_{}_ms", name);
    const std::string p50 = fmt::format("median_{}_ms", name);
    const std::string p90 = fmt::format("p90_{}_ms", name);
    const std::string p99 = fmt::format("p99_{}_ms", name);
    read_latency(run, {mean, p50, p90, p99}, 1, metric, m);
  };
  latency("ttft", Metric::Ttft);
  latency("tpot", Metric::Tpot);
  latency("itl", Metric::Itl);
  latency("e2e_latency", Metric::E2e);
  flag(m, "clock_starts_at_send");
  flag(m, "itl_is_between_events");
  flag(m, "rates_include_start_and_drain");
  const double retokenized = run.figure("total_output_tokens_retokenized");
  if (!metrics::is_missing(retokenized) && retokenized != run.figure("total_output_tokens")) {
    flag(m, "token_counts_disagree");
  }
  out.push_back(std::move(m));
}

}  // namespace

bool knows_sglang_bench(const Document& document) {
  if (document.values.empty()) return false;
  const auto* run = document.values.front().if_object();
  return run != nullptr && run->contains("total_output_tokens_retokenized") &&
         run->contains("request_throughput");
}

void read_sglang_bench(const Document& document, Faults& faults, std::vector<Measured>& out) {
  for (std::size_t i = 0; i < document.values.size(); ++i) {
    const std::string name =
        document.lines ? fmt::format("{}: result {}:", document.name, i + 1) : document.name + ":";
    read_one(document, Place(document.values[i], name, faults), out);
  }
}

}  // namespace kneepoint::importers
