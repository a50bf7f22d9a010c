#pragma once

#include <string>

#include "profile/profile.h"

/// The columns of a profile and of a point, once: each function calls `visit(name, member)` for
/// every column in the order of the schema (migrations.cc). What is inserted, selected, packed and
/// unpacked all comes from here. The members are std::string (std::string_view in a RankingRow),
/// std::optional of int, bool or double, double with NaN for unknown, and two enums.
namespace kneepoint::store {

template <class Role, class Visit>
void visit_role(Role& role, const char* const (&names)[4], Visit&& visit) {
  visit(names[0], role.workers);
  visit(names[1], role.tensor_parallel);
  visit(names[2], role.expert_parallel);
  visit(names[3], role.attention_dp);
}

/// Everything ranking reads; `P` is profile::Profile or profile::RankingRow.
template <class P, class Visit>
void visit_ranking_columns(P& p, Visit&& visit) {
  visit("id", p.id);
  visit("series_id", p.series_id);
  visit("curve_id", p.curve_id);
  visit("model", p.setup.model);
  visit("checkpoint", p.setup.checkpoint);
  visit("model_server", p.setup.model_server);
  visit("model_server_version", p.setup.model_server_version);
  visit("container_image", p.setup.container_image);
  visit("serving_stack", p.setup.serving_stack);
  visit("serving_stack_version", p.setup.serving_stack_version);
  visit("accelerator", p.setup.accelerator);
  visit("accelerator_count", p.setup.accelerator_count);
  visit("tensor_parallel", p.setup.tensor_parallel);
  visit("pipeline_parallel", p.setup.pipeline_parallel);
  visit("data_parallel", p.setup.data_parallel);
  visit("expert_parallel", p.setup.expert_parallel);
  visit("weight_precision", p.setup.weight_precision);
  visit("kv_precision", p.setup.kv_precision);
  visit("decoding", p.setup.decoding);
  visit("speculative_decoding", p.setup.speculative_decoding);
  visit_role(p.setup.prefill,
             {"prefill_workers", "prefill_tensor_parallel", "prefill_expert_parallel",
              "prefill_attention_dp"},
             visit);
  visit_role(
      p.setup.decode,
      {"decode_workers", "decode_tensor_parallel", "decode_expert_parallel", "decode_attention_dp"},
      visit);
  visit("topology_from", p.setup.topology_from);
  visit("recorded_topology", p.setup.recorded_topology);
  visit("workload", p.workload.name);
  visit("input_tokens_nominal", p.workload.input_tokens_nominal);
  visit("output_tokens_nominal", p.workload.output_tokens_nominal);
  visit("input_tokens_mean", p.workload.input_tokens_mean);
  visit("output_tokens_mean", p.workload.output_tokens_mean);
  visit("load_kind", p.load_kind);
  visit("evidence", p.evidence.kind);
  visit("source", p.evidence.source);
  visit("licence", p.evidence.licence);
}

/// Of predicted profiles; of all others empty, and not packed.
template <class Visit>
void visit_prediction_columns(auto& p, Visit&& visit) {
  visit("predicted_by", p.evidence.prediction.by);
  visit("nearest", p.evidence.prediction.nearest);
  visit("extrapolated", p.evidence.prediction.extrapolated);
  visit("ttft_error", p.evidence.prediction.ttft_error);
  visit("tpot_error", p.evidence.prediction.tpot_error);
  visit("e2e_error", p.evidence.prediction.e2e_error);
}

template <class Visit>
void visit_profile_columns(auto& p, Visit&& visit) {
  visit_ranking_columns(p, visit);
  visit("server_settings", p.setup.server_settings);
  visit_prediction_columns(p, visit);
}

/// Rates of a load point; its latencies are the LatencyTable, column "<metric>_<statistic>_ms".
template <class Visit>
void visit_rate_columns(auto& at, Visit&& visit) {
  visit("load", at.load);
  visit("requests_per_second", at.requests_per_second);
  visit("output_tokens_per_second", at.output_tokens_per_second);
  visit("input_tokens_per_second", at.input_tokens_per_second);
}

template <class Visit>
void visit_evidence_columns(auto& point, Visit&& visit) {
  visit("id", point.id);
  visit("request_count", point.request_count);
  visit("error_count", point.error_count);
  visit("input_tokens_mean", point.input_tokens_mean);
  visit("output_tokens_mean", point.output_tokens_mean);
  visit("running_mean", point.server.running_mean);
  visit("running_max", point.server.running_max);
  visit("waiting_mean", point.server.waiting_mean);
  visit("waiting_max", point.server.waiting_max);
  visit("kv_use_mean", point.server.kv_use_mean);
  visit("kv_use_max", point.server.kv_use_max);
  visit("preemptions", point.server.preemptions);
  visit("prefix_hit_share", point.server.prefix_hit_share);
  visit("ttft_low", point.bands.ttft_low);
  visit("ttft_high", point.bands.ttft_high);
  visit("tpot_low", point.bands.tpot_low);
  visit("tpot_high", point.bands.tpot_high);
  visit("e2e_low", point.bands.e2e_low);
  visit("e2e_high", point.bands.e2e_high);
  visit("measured_on", point.measured_on);
  visit("source_ref", point.source_ref);
  visit("server_settings", point.server_settings);
  visit("derived", point.derived);
  visit("flags", point.flags);
}

/// "ttft_p50", without the unit.
inline std::string latency_name(metrics::Metric metric, metrics::Statistic statistic) {
  return std::string(metrics::name(metric)) + "_" + std::string(metrics::name(statistic));
}

/// One bit for each latency, metric-major.
inline int latency_bit(metrics::Metric metric, metrics::Statistic statistic) {
  return static_cast<int>(metric) * static_cast<int>(metrics::kStatistics.size()) +
         static_cast<int>(statistic);
}

}  // namespace kneepoint::store
