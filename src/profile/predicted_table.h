#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "profile/profile.h"

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
void derive_from_means(Point& point, double input_tokens, double output_tokens);

/// Reads the predicted profiles of one catalog layer, one after the other.
class PredictedProfiles {
 public:
  /// The catalog outlives the reader.
  PredictedProfiles(const catalog::Catalog& catalog, std::size_t layer);

  std::size_t rows() const;
  /// The next profile; nothing after the last. An error names the row that cannot be read.
  Result<std::optional<Profile>> next();

 private:
  const catalog::Table* table_;
  const catalog::Layer* layer_;
  std::unordered_map<std::string_view, std::string_view> notes_;
  std::size_t at_ = 0;
};

/// The two tables as CSV, rows in the order given. Closed-loop curves only.
struct PredictedTables {
  std::string predicted, notes;
};
PredictedTables write_predicted_tables(std::span<const Profile> profiles);

}  // namespace kneepoint::profile
