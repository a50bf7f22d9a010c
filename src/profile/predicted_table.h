#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "profile/profile.h"
#include "profile/ranking.h"

/// Predicted profiles as they ship: one line of text for a curve, in the catalog's tables
/// `predicted` and `predicted_notes`. A line holds what was predicted; what follows from it by
/// definition (end-to-end time, rates by Little's law) is computed when it is read. The size is
/// what counts here: docs/decisions/0009-predicted-rows.md.
namespace kneepoint::profile {

/// Source of predicted profiles, in Evidence.
inline constexpr std::string_view kPredictedSource = "kneepoint";

/// A name made from the setup and the lengths alone: the same row under every calibration, and
/// never one of a measured profile.
std::string predicted_id(const ServingSetup& setup, const Workload& workload);

/// "random:1024/128": lengths without a spread.
Workload fixed_lengths(double input_tokens, double output_tokens);

/// Fills in what follows from the means of TTFT and TPOT with `load` clients in flight.
void derive_from_means(curve::LoadPoint& at, double input_tokens, double output_tokens);
/// The same, and the lengths that were taken.
void derive_from_means(Point& point, double input_tokens, double output_tokens);

/// The predicted profiles of one catalog layer, read from the mapped tables row by row: whoever
/// looks at a few of thousands pays for a few.
class PredictedProfiles {
 public:
  /// The catalog outlives this, and this outlives what it ranked.
  PredictedProfiles(const catalog::Catalog& catalog, std::size_t layer);

  std::size_t rows() const { return table_->rows(); }

  /// What rows are chosen by, without reading their points.
  struct Key {
    std::string_view model, model_server, model_server_version, accelerator;
    double input_tokens = 0, output_tokens = 0;
  };
  Key key(std::size_t row) const;
  std::string_view weight_precision(std::size_t row) const;
  std::string_view kv_precision(std::size_t row) const;
  std::string id(std::size_t row) const;
  /// Hash of the calibration that made the rows; empty when there are none.
  std::string_view by() const;

  /// An error names the row that cannot be read.
  Result<Profile> read(std::size_t row) const;
  /// The same row for ranking, added to `into` with the name of the layer it is told to be of.
  Result<void> rank(std::size_t row, std::string_view layer, Ranking& into);

  /// The next profile; nothing after the last.
  Result<std::optional<Profile>> next();

 private:
  struct Columns {
    std::size_t model, model_server, model_server_version, accelerator, accelerator_count,
        tensor_parallel, pipeline_parallel, data_parallel, expert_parallel, weight_precision,
        kv_precision, input_tokens, output_tokens, loads, ttft_mean, tpot_mean, ttft_band,
        tpot_band, e2e_band, nearest, extrapolated, predicted_by;
  };
  struct Curve;
  Result<void> read_curve(std::size_t row, Curve& out) const;
  std::string id(std::size_t row, const Key& of) const;
  Result<std::string> sentences(std::size_t row) const;
  tl::unexpected<Error> wrong(std::size_t row, std::string_view what) const;

  const catalog::Table* table_;
  const catalog::Layer* layer_;
  Columns columns_;
  std::unordered_map<std::string_view, std::string_view> notes_;
  // Words that thousands of ranked rows share, each kept once.
  std::unordered_map<std::string_view, std::unique_ptr<std::string>> sentences_;
  std::map<std::pair<double, double>, std::string> workloads_;
  std::shared_ptr<Curve> ranked_;  // of the row ranked last
  std::size_t at_ = 0;
};

/// The two tables as CSV, rows in the order given. Closed-loop curves only.
struct PredictedTables {
  std::string predicted, notes;
};
PredictedTables write_predicted_tables(std::span<const Profile> profiles);

}  // namespace kneepoint::profile
