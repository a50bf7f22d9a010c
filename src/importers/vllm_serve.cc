/// `vllm bench serve` (vllm/benchmarks/serve.py): flat JSON, times in milliseconds. With
/// --append-result one file holds a line for each run. The version of vLLM is not in it; metadata
/// given with --metadata KEY=VALUE stands among the other members.
#include <fmt/format.h>

#include "base/text.h"
#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

using metrics::Metric;

void read_one(const Document& document, const Place& run, std::vector<Measured>& out) {
  Measured m = measured("vllm bench serve", document);
  m.setup.model = run.must_text("model_id");
  profile::Point& p = m.point;
  p.measured_on = date_of(run.text("date"));

  const double completed = run.must_figure("completed");
  p.request_count = completed;
  p.error_count = run.some("failed");
  p.at.requests_per_second = run.must_figure("request_throughput");
  p.at.output_tokens_per_second = run.must_figure("output_throughput");
  const double input = run.must_figure("total_input_tokens");
  const double output = run.must_figure("total_output_tokens");
  const double duration = run.must_figure("duration");
  if (completed > 0) {
    p.input_tokens_mean = input / completed;
    p.output_tokens_mean = output / completed;
  }
  if (duration > 0) p.at.input_tokens_per_second = input / duration;
  m.workload.input_tokens_mean = p.input_tokens_mean;
  m.workload.output_tokens_mean = p.output_tokens_mean;

  // "inf", or a number of requests per second.
  const Place rate = run.at("request_rate");
  const double in_flight = run.figure("max_concurrency");
  if (rate.is_number()) {
    m.load_kind = curve::LoadKind::RequestRate;
    p.at.load = run.figure("request_rate");
    if (!metrics::is_missing(in_flight)) flag(m, "client_limits_both_rate_and_concurrency");
  } else if (!metrics::is_missing(in_flight)) {
    m.load_kind = curve::LoadKind::Concurrency;
    p.at.load = in_flight;
  } else {
    m.load_kind = curve::LoadKind::Burst;
    p.at.load = run.must_figure("num_prompts");
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
  latency("e2el", Metric::E2e);
  flag(m, "clock_starts_at_send");
  flag(m, "itl_is_between_events");
  flag(m, "rates_include_start_and_drain");
  flag(m, "warmup_not_cut");
  out.push_back(std::move(m));
}

}  // namespace

bool knows_vllm_bench(const Document& document) {
  if (document.values.empty()) return false;
  const auto* run = document.values.front().if_object();
  return run != nullptr && run->contains("model_id") && run->contains("request_throughput") &&
         run->contains("total_input_tokens") &&
         (run->contains("endpoint_type") || run->contains("backend"));
}

void read_vllm_bench(const Document& document, Faults& faults, std::vector<Measured>& out) {
  for (std::size_t i = 0; i < document.values.size(); ++i) {
    const std::string name =
        document.lines ? fmt::format("{}: result {}:", document.name, i + 1) : document.name + ":";
    read_one(document, Place(document.values[i], name, faults), out);
  }
}

}  // namespace kneepoint::importers
