#include "report/llmd.h"

#include <fmt/format.h>

#include <cmath>

#include "base/hash.h"
#include "report/html_sections.h"
#include "run/measured_profile.h"

namespace kneepoint::report {
namespace {

using json::Array;
using json::Object;
using json::Value;
using metrics::Metric;

struct Named {
  Metric metric;
  std::string_view key, units;
};
constexpr std::array<Named, 5> kLatencies{
    {{Metric::Ttft, "time_to_first_token", "s"},
     {Metric::Ntpot, "normalized_time_per_output_token", "s/token"},
     {Metric::Tpot, "time_per_output_token", "s/token"},
     {Metric::Itl, "inter_token_latency", "s/token"},
     {Metric::E2e, "request_latency", "s"}}};

// Its schema takes no null where a mean is due, so what is missing is left out.
void put(Object& out, std::string_view key, double value) {
  if (std::isfinite(value)) out.emplace(key, value);
}

void put_mean(Object& out, std::string_view key, double mean, std::string_view units) {
  if (std::isfinite(mean)) out.emplace(key, Object{{"units", units}, {"mean", mean}});
}

Object statistics(const run::PointRecord& point, const Named& named) {
  const metrics::Spread& spread = point.summary.of(named.metric);
  Object out{{"units", named.units}, {"mean", spread.mean / 1e3}};
  const auto at = static_cast<std::size_t>(named.metric);
  if (at < point.latency.size() && !point.latency[at].empty()) {
    const metrics::Histogram& histogram = point.latency[at];
    out.emplace("min", static_cast<double>(histogram.min().count()) / 1e9);
    for (const auto& [key, q] : {std::pair{"p0p1", 0.001},
                                 {"p1", 0.01},
                                 {"p5", 0.05},
                                 {"p10", 0.1},
                                 {"p25", 0.25},
                                 {"p50", 0.5},
                                 {"p75", 0.75},
                                 {"p90", 0.9},
                                 {"p95", 0.95},
                                 {"p99", 0.99},
                                 {"p99p9", 0.999}}) {
      if (const auto value = histogram.quantile(q)) {
        out.emplace(key, static_cast<double>(value->count()) / 1e9);
      }
    }
  } else {
    put(out, "p50", spread.p50 / 1e3);
    put(out, "p90", spread.p90 / 1e3);
    put(out, "p95", spread.p95 / 1e3);
    put(out, "p99", spread.p99 / 1e3);
  }
  put(out, "max", spread.max / 1e3);
  return out;
}

Object performance(const run::PointRecord& point) {
  Object requests{{"total", point.requests_sent}, {"failures", point.requests_failed}};
  put_mean(requests, "input_length", point.tokens.input_counted_mean, "count");
  put_mean(requests, "output_length", point.tokens.output_counted_mean, "count");
  Object latency;
  for (const Named& named : kLatencies) {
    if (metrics::is_missing(point.summary.of(named.metric).mean)) continue;
    latency.emplace(named.key, statistics(point, named));
  }
  const curve::LoadPoint at = run::profile_point(point).at;
  Object throughput;
  put_mean(throughput, "input_token_rate", at.input_tokens_per_second, "tokens/s");
  put_mean(throughput, "output_token_rate", at.output_tokens_per_second, "tokens/s");
  put_mean(throughput, "total_token_rate", at.input_tokens_per_second + at.output_tokens_per_second,
           "tokens/s");
  put_mean(throughput, "request_rate", at.requests_per_second, "queries/s");
  return {{"aggregate", Object{{"requests", std::move(requests)},
                               {"latency", std::move(latency)},
                               {"throughput", std::move(throughput)}}}};
}

Object sequence_length(const workload::LengthSpec& spec, double counted) {
  using workload::LengthKind;
  Object out;
  switch (spec.kind) {
    case LengthKind::Fixed:
      out = {{"distribution", "fixed"}, {"value", spec.first}};
      break;
    case LengthKind::Uniform:
      return {{"distribution", "uniform"},
              {"value", (spec.first + spec.second) / 2},
              {"min", static_cast<std::int64_t>(spec.first)},
              {"max", static_cast<std::int64_t>(spec.second)}};
    case LengthKind::Normal:
      out = {{"distribution", "gaussian"}, {"value", spec.first}, {"std_dev", spec.second}};
      break;
    case LengthKind::Lognormal:
      out = {{"distribution", "other"}, {"value", spec.first}, {"std_dev", spec.second}};
      break;
    case LengthKind::File:
    case LengthKind::SharegptInput:
    case LengthKind::SharegptOutput:
      out = {{"distribution", "other"}, {"value", std::isfinite(counted) ? counted : 0}};
      break;
  }
  if (spec.min) out.emplace("min", *spec.min);
  if (spec.max) out.emplace("max", *spec.max);
  return out;
}

Object load_of_point(const BenchReport& report, std::size_t i) {
  const run::PointRecord& point = report.points[i];
  const workload::RunSpec& spec = point.spec;
  const bool sampled =
      spec.lengths.input.kind == workload::LengthKind::File || !spec.lengths.pairs.empty();
  const std::string& client = report.facts.client;
  const std::size_t blank = client.find(' ');
  Object standard{
      {"tool", blank == std::string::npos ? "kneepoint" : client.substr(0, blank)},
      {"tool_version", blank == std::string::npos ? "" : client.substr(blank + 1)},
      {"source", sampled ? "sampled" : "random"},
      {"stage", point.index},
      {"input_seq_len", sequence_length(spec.lengths.input, point.tokens.input_counted_mean)},
      {"output_seq_len", sequence_length(spec.lengths.output, point.tokens.output_counted_mean)}};
  const Load load = load_of(point);
  if (load.kind == curve::LoadKind::RequestRate) put(standard, "rate_qps", load.value);
  if (spec.in_flight) standard.emplace("concurrency", *spec.in_flight);
  if (spec.sessions) standard.emplace("multi_turn", Object{{"enabled", true}});
  Object self{{"valid", point.self.valid}, {"reason", point.self.reason}};
  return {{"metadata", Object{{"schema_version", "0.0.1"}}},
          {"standardized", std::move(standard)},
          {"native", Object{{"config", Object{{"workload", workload::to_json(spec)},
                                              {"self", std::move(self)}}}}}};
}

std::string server_label(const BenchReport& report) {
  return report.facts.server.empty() ? "server" : report.facts.server;
}

Array stack_of(const BenchReport& report) {
  const RunFacts& facts = report.facts;
  // "inference_engine" asks for the accelerator and how it is split, which a client cannot see.
  return {Object{{"metadata", Object{{"schema_version", "0.0.1"},
                                     {"label", server_label(report)},
                                     {"cfg_id", content_hash(facts.target + "\n" + facts.model)}}},
                 {"standardized", Object{{"kind", "generic"},
                                         {"tool", server_label(report)},
                                         {"tool_version", facts.server_version},
                                         {"kind_draft", "inference_engine"},
                                         {"model", Object{{"name", facts.model}}},
                                         {"accelerator", facts.accelerator},
                                         {"target", without_credentials(facts.target)}}},
                 {"native", Object{}}}};
}

Object gauge(const metrics::GaugeSummary& summary, double scale, std::string_view units) {
  Object out{{"units", units}, {"mean", scale * summary.mean}};
  put(out, "max", scale * summary.max);
  return out;
}

Value observability(const BenchReport& report, const metrics::ServerSignals& server) {
  Object seen;
  if (std::isfinite(server.kv_use.mean)) {
    seen.emplace("kv_cache_usage", gauge(server.kv_use, 100, "percent"));
  }
  if (std::isfinite(server.running.mean)) {
    seen.emplace("running_requests", gauge(server.running, 1, "count"));
  }
  if (std::isfinite(server.waiting.mean)) {
    seen.emplace("waiting_requests", gauge(server.waiting, 1, "count"));
  }
  put_mean(seen, "preemptions", server.preemptions, "count");
  return Object{{"components", Array{Object{{"component_label", server_label(report)},
                                            {"aggregate", std::move(seen)}}}}};
}

}  // namespace

Value llmd_document(const BenchReport& report, std::size_t i) {
  const run::PointRecord& point = report.points[i];
  const std::string experiment = content_hash(report.facts.target + "\n" + report.facts.model +
                                              "\n" + report.points.front().started_at);
  Object run{
      {"uid", content_hash(fmt::format("{}\n{}\n{}", experiment, point.index, point.started_at))},
      {"eid", experiment}};
  Object time{{"duration", fmt::format("PT{}S", static_cast<double>(point.took.count()) / 1e9)}};
  if (!point.started_at.empty()) time.emplace("start", point.started_at);
  run.emplace("time", std::move(time));
  run.emplace("description", run::workload_name(point.spec) + " at " + load_text(load_of(point)));
  Object results{{"request_performance", performance(point)}};
  if (point.server) results.emplace("observability", observability(report, *point.server));
  return Object{
      {"version", "0.2"},
      {"run", std::move(run)},
      {"scenario", Object{{"stack", stack_of(report)}, {"load", load_of_point(report, i)}}},
      {"results", std::move(results)}};
}

std::string llmd_yaml(const BenchReport& report) {
  std::string out;
  for (const std::size_t i : all_in_order(curve_of(report))) {
    out += "---\n" + json::to_yaml(llmd_document(report, i));
  }
  return out;
}

}  // namespace kneepoint::report
