#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "profile/profile.h"

namespace kneepoint::profile {

/// What ranking needs of one profile: profile::Profile without the texts of evidence and without a
/// string of its own. Views lie in the Ranking that holds the row. Member names are those of
/// profile::Profile, so the list of columns in columns.h serves both.
struct RankingRow {
  struct Setup {
    std::string_view model, checkpoint;
    std::string_view model_server, model_server_version, container_image;
    std::string_view serving_stack, serving_stack_version;
    std::string_view accelerator;
    std::optional<int> accelerator_count;
    std::optional<int> tensor_parallel, pipeline_parallel, data_parallel, expert_parallel;
    std::string_view weight_precision, kv_precision, decoding, speculative_decoding;
    Role prefill, decode;
    std::string_view topology_from, recorded_topology;
  };
  struct Workload {
    std::string_view name;
    std::optional<double> input_tokens_nominal, output_tokens_nominal;
    std::optional<double> input_tokens_mean, output_tokens_mean;
  };
  struct Evidence {
    EvidenceKind kind = EvidenceKind::Published;
    std::string_view source, licence;
    struct Prediction {
      std::string_view by, nearest, extrapolated;
      std::optional<double> ttft_error, tpot_error, e2e_error;
    } prediction;  // Predicted only
  };

  std::string_view id, series_id, curve_id;
  Setup setup;
  Workload workload;
  curve::LoadKind load_kind = curve::LoadKind::Concurrency;
  Evidence evidence;
  std::string_view measured_on;  // newest of its points
  std::string_view flags;        // of all points, ';'-separated
  std::string_view layer;
  std::span<const curve::LoadPoint> points;  // ascending load
};

/// The row as a profile that owns its strings; the flags stand at the first point.
Profile to_profile(const RankingRow& row);

/// Rows and the memory their views point into; moves without moving that memory.
class Ranking {
 public:
  std::span<const RankingRow> rows() const { return rows_; }
  /// To drop or reorder rows; what they point into stays.
  std::vector<RankingRow>& mutable_rows() { return rows_; }

  /// For the store that fills it.
  RankingRow& add_row() { return rows_.emplace_back(); }
  RankingRow& last_row() { return rows_.back(); }
  std::string_view keep(std::string_view bytes);
  std::span<curve::LoadPoint> add_points(std::size_t count);

 private:
  std::vector<RankingRow> rows_;
  std::vector<std::unique_ptr<char[]>> bytes_;
  std::size_t bytes_left_ = 0;
  char* next_byte_ = nullptr;
  std::vector<std::unique_ptr<curve::LoadPoint[]>> points_;
  std::size_t points_left_ = 0;
  curve::LoadPoint* next_point_ = nullptr;
};

/// The same view of profiles that are in memory already.
Ranking ranking_of(std::span<const Profile> profiles);

}  // namespace kneepoint::profile
