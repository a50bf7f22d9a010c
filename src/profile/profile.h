#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "curve/curve.h"
#include "curve/point.h"

/// The words of the design as values. Canonical JSON: profile/json.h, docs/schema/profile.v1.json.
namespace kneepoint::profile {

/// How many workers of one role a disaggregated setup runs, and how each is split.
struct Role {
  std::optional<int> workers, tensor_parallel, expert_parallel;
  std::optional<bool> attention_dp;  // data-parallel attention
};

/// model + precision + server + version + accelerators of one replica + how it is split.
struct ServingSetup {
  std::string model;
  std::string checkpoint;  // what was loaded, when it differs or is known
  std::string model_server, model_server_version, container_image;
  std::string serving_stack, serving_stack_version;  // e.g. llm-d; empty: none
  std::string accelerator;
  std::optional<int> accelerator_count;  // per replica
  std::optional<int> tensor_parallel, pipeline_parallel, data_parallel, expert_parallel;
  std::string weight_precision, kv_precision;  // fp4, fp8, fp16, bf16 ...; empty: not stated
  std::string decoding;                        // "serving", "speculative" or "disaggregated"
  std::string speculative_decoding;            // none, mtp, eagle3, unknown ... as the source says
  Role prefill, decode;                        // disaggregated only
  std::string topology_from, recorded_topology;
  std::string server_settings;  // launch options, ';'-separated, as published
};

/// What was asked: lengths in tokens of the server's tokenizer.
struct Workload {
  std::string name;  // "random:1024/1024:range0.8", "sharegpt" ...
  std::optional<double> input_tokens_nominal, output_tokens_nominal;
  std::optional<double> input_tokens_mean, output_tokens_mean;
};

enum class EvidenceKind { Measured, Published, Predicted };
std::string_view name(EvidenceKind kind);
std::optional<EvidenceKind> parse_evidence_kind(std::string_view name);

/// What stands behind a prediction. Of a band, 80 of 100 measurements are expected inside it.
struct PredictionEvidence {
  std::string by{};            // hash of the calibration that predicted
  std::string nearest{};       // id of the nearest measured profile
  std::string extrapolated{};  // ';'-separated: what no measurement covers
  /// The widest band of the profile's points, as the ratio of its ends to the value: 1.2 is from
  /// value / 1.2 to value * 1.2.
  std::optional<double> ttft_error{}, tpot_error{}, e2e_error{};
};

/// Where the numbers of a profile come from. A number without evidence is a bug.
struct Evidence {
  EvidenceKind kind = EvidenceKind::Published;
  std::string source;  // catalog::Source name, or who measured or predicted
  std::string licence;
  PredictionEvidence prediction{};  // Predicted only
};

/// What the model server said of itself while a point was measured.
struct ServerLoad {
  std::optional<double> running_mean{}, running_max{};  // requests being served
  std::optional<double> waiting_mean{}, waiting_max{};  // requests in its queue
  std::optional<double> kv_use_mean{}, kv_use_max{};    // share of the KV cache in use, 0..1
  std::optional<double> preemptions{};                  // requests thrown out of the cache
  std::optional<double> prefix_hit_share{};             // of prompt tokens, 0..1
};

/// The bands around the means of a predicted point, in milliseconds.
struct Bands {
  std::optional<double> ttft_low{}, ttft_high{}, tpot_low{}, tpot_high{}, e2e_low{}, e2e_high{};
};

/// One load point: its numbers and their own evidence.
struct Point {
  curve::LoadPoint at;
  Bands bands;     // predicted ones only
  std::string id;  // the source's id of the point
  std::optional<double> request_count, error_count;
  std::optional<double> input_tokens_mean, output_tokens_mean;  // of this point
  ServerLoad server;
  std::string measured_on, source_ref;
  std::string server_settings;  // empty: as the setup's
  std::string derived;          // columns computed rather than measured, as published
  std::string flags;            // ';'-separated; a flag never disappears
};

struct Profile {
  std::string id;  // stable: made from the source's series
  std::string series_id, curve_id;
  ServingSetup setup;
  Workload workload;
  curve::LoadKind load_kind = curve::LoadKind::Concurrency;
  Evidence evidence;
  std::vector<Point> points;  // ascending load

  std::string layer;  // where the store has it from; not part of the JSON
};

/// Every flag of any point, in order of first appearance.
std::vector<std::string> flags_of(const Profile& profile);

/// The date of the newest point, as stated; empty when none is dated.
std::string newest_date(const Profile& profile);

/// The widest of the points' bands, for PredictionEvidence.
void widest_bands(const std::vector<Point>& points, PredictionEvidence& into);

/// The numbers of the points alone, for the pure functions of curve.
std::vector<curve::LoadPoint> curve_of(const Profile& profile);

}  // namespace kneepoint::profile
