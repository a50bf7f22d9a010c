#include "profile/ranking.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace kneepoint::profile {
namespace {

constexpr std::size_t kByteBlock = 256 << 10;
constexpr std::size_t kPointBlock = 1 << 10;

}  // namespace

std::string_view Ranking::keep(std::string_view bytes) {
  if (bytes.size() > bytes_left_) {
    const std::size_t size = std::max(kByteBlock, bytes.size());
    bytes_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_byte_ = bytes_.back().get();
    bytes_left_ = size;
  }
  if (!bytes.empty()) std::memcpy(next_byte_, bytes.data(), bytes.size());
  const std::string_view kept(next_byte_, bytes.size());
  next_byte_ += bytes.size();
  bytes_left_ -= bytes.size();
  return kept;
}

std::span<curve::LoadPoint> Ranking::add_points(std::size_t count) {
  if (count > points_left_) {
    const std::size_t size = std::max(kPointBlock, count);
    points_.push_back(std::make_unique<curve::LoadPoint[]>(size));
    next_point_ = points_.back().get();
    points_left_ = size;
  }
  const std::span<curve::LoadPoint> added(next_point_, count);
  next_point_ += count;
  points_left_ -= count;
  return added;
}

Profile to_profile(const RankingRow& row) {
  Profile p;
  const Role &prefill = row.setup.prefill, &decode = row.setup.decode;
  p.id = row.id;
  p.series_id = row.series_id;
  p.curve_id = row.curve_id;
  p.setup = {.model = std::string(row.setup.model),
             .checkpoint = std::string(row.setup.checkpoint),
             .model_server = std::string(row.setup.model_server),
             .model_server_version = std::string(row.setup.model_server_version),
             .container_image = std::string(row.setup.container_image),
             .serving_stack = std::string(row.setup.serving_stack),
             .serving_stack_version = std::string(row.setup.serving_stack_version),
             .accelerator = std::string(row.setup.accelerator),
             .accelerator_count = row.setup.accelerator_count,
             .tensor_parallel = row.setup.tensor_parallel,
             .pipeline_parallel = row.setup.pipeline_parallel,
             .data_parallel = row.setup.data_parallel,
             .expert_parallel = row.setup.expert_parallel,
             .weight_precision = std::string(row.setup.weight_precision),
             .kv_precision = std::string(row.setup.kv_precision),
             .decoding = std::string(row.setup.decoding),
             .speculative_decoding = std::string(row.setup.speculative_decoding),
             .prefill = prefill,
             .decode = decode,
             .topology_from = std::string(row.setup.topology_from),
             .recorded_topology = std::string(row.setup.recorded_topology),
             .server_settings = {}};
  p.workload = {.name = std::string(row.workload.name),
                .input_tokens_nominal = row.workload.input_tokens_nominal,
                .output_tokens_nominal = row.workload.output_tokens_nominal,
                .input_tokens_mean = row.workload.input_tokens_mean,
                .output_tokens_mean = row.workload.output_tokens_mean};
  p.load_kind = row.load_kind;
  p.evidence = {.kind = row.evidence.kind,
                .source = std::string(row.evidence.source),
                .licence = std::string(row.evidence.licence),
                .prediction = {.by = std::string(row.evidence.prediction.by),
                               .nearest = std::string(row.evidence.prediction.nearest),
                               .extrapolated = std::string(row.evidence.prediction.extrapolated),
                               .ttft_error = row.evidence.prediction.ttft_error,
                               .tpot_error = row.evidence.prediction.tpot_error,
                               .e2e_error = row.evidence.prediction.e2e_error}};
  p.points.resize(row.points.size());
  for (std::size_t i = 0; i < row.points.size(); ++i) p.points[i].at = row.points[i];
  if (!p.points.empty()) p.points.front().flags = row.flags;
  p.layer = row.layer;
  return p;
}

Ranking ranking_of(std::span<const Profile> profiles) {
  Ranking out;
  for (const Profile& p : profiles) {
    const auto kept = [&](const std::string& text) { return out.keep(text); };
    RankingRow& row = out.add_row();
    row.id = kept(p.id);
    row.series_id = kept(p.series_id);
    row.curve_id = kept(p.curve_id);
    const ServingSetup& s = p.setup;
    row.setup = {.model = kept(s.model),
                 .checkpoint = kept(s.checkpoint),
                 .model_server = kept(s.model_server),
                 .model_server_version = kept(s.model_server_version),
                 .container_image = kept(s.container_image),
                 .serving_stack = kept(s.serving_stack),
                 .serving_stack_version = kept(s.serving_stack_version),
                 .accelerator = kept(s.accelerator),
                 .accelerator_count = s.accelerator_count,
                 .tensor_parallel = s.tensor_parallel,
                 .pipeline_parallel = s.pipeline_parallel,
                 .data_parallel = s.data_parallel,
                 .expert_parallel = s.expert_parallel,
                 .weight_precision = kept(s.weight_precision),
                 .kv_precision = kept(s.kv_precision),
                 .decoding = kept(s.decoding),
                 .speculative_decoding = kept(s.speculative_decoding),
                 .prefill = s.prefill,
                 .decode = s.decode,
                 .topology_from = kept(s.topology_from),
                 .recorded_topology = kept(s.recorded_topology)};
    row.workload = {.name = kept(p.workload.name),
                    .input_tokens_nominal = p.workload.input_tokens_nominal,
                    .output_tokens_nominal = p.workload.output_tokens_nominal,
                    .input_tokens_mean = p.workload.input_tokens_mean,
                    .output_tokens_mean = p.workload.output_tokens_mean};
    row.load_kind = p.load_kind;
    const PredictionEvidence& predicted = p.evidence.prediction;
    row.evidence = {.kind = p.evidence.kind,
                    .source = kept(p.evidence.source),
                    .licence = kept(p.evidence.licence),
                    .prediction = {.by = kept(predicted.by),
                                   .nearest = kept(predicted.nearest),
                                   .extrapolated = kept(predicted.extrapolated),
                                   .ttft_error = predicted.ttft_error,
                                   .tpot_error = predicted.tpot_error,
                                   .e2e_error = predicted.e2e_error}};
    row.measured_on = out.keep(newest_date(p));
    row.flags = out.keep(join(flags_of(p), ";"));
    row.layer = kept(p.layer);
    const auto points = out.add_points(p.points.size());
    for (std::size_t i = 0; i < p.points.size(); ++i) points[i] = p.points[i].at;
    row.points = points;
  }
  return out;
}

}  // namespace kneepoint::profile
