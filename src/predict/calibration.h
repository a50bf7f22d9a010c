#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "perfmodel/step_parts.h"
#include "predict/residual_process.h"

namespace kneepoint::predict {

/// Time to first token that no engine step explains, and what it grows with. Coefficients are ms.
enum class Extra : std::size_t {
  Request,         // 1 per request: client, network, tokenizer, scheduling
  ThousandTokens,  // prompt tokens / 1000
  TenClients,      // clients / 10
  Count
};
inline constexpr std::size_t kExtras = static_cast<std::size_t>(Extra::Count);
using ExtraAmounts = std::array<double, kExtras>;

/// TPOT [ms] = dot(parts, TPOT weights) / 1e6, TTFT [ms] = dot(parts, TTFT weights) / 1e6 +
/// dot(extras).
struct Coefficients {
  perfmodel::PartCoefficients parts{};
  ExtraAmounts extras{};
};

/// Median and mean absolute percentage error of points left out in whole groups.
struct SchemeErrors {
  std::string scheme;  // "curve", "version", "accelerator", "model"
  std::size_t points = 0;
  double tpot_median = 0, tpot_mean = 0, ttft_median = 0, ttft_mean = 0, e2e_median = 0,
         e2e_mean = 0;
};

/// How wide a band is: 80 of 100 points left out lay within exp(+- factor * sd of the log).
struct BandScale {
  double tpot = 1.28, ttft = 1.28, e2e = 1.28;
  std::size_t points = 0;  // that this was found on; 0: on none
  /// Of those: inside of the band (share), and the median of high / low - 1.
  double tpot_inside = 0, ttft_inside = 0, e2e_inside = 0;
  double tpot_width = 0, ttft_width = 0, e2e_width = 0;
};

/// "server:version" to years since 2025-06-01.
using VersionDates = std::map<std::string, double>;

struct Provenance {
  std::string program_version, made_on;  // date
  std::vector<std::string> sources;      // of the points
  std::string data_hash;                 // of what was fitted
  std::string tables_hash;               // of kernel tables and catalog; empty: not recorded
  std::size_t points = 0, weighted_down = 0;
};

/// What predictions are made with: fitted coefficients, the process on what they leave over, and
/// how far off both were on points left out. The JSON form: docs/predict.md.
struct Calibration {
  Provenance provenance;
  std::vector<SchemeErrors> cross_validated;
  Coefficients coefficients;
  VersionDates version_dates;
  ResidualProcess tpot, ttft;                     // over the same points
  std::vector<std::string> series;                // of each point: the run, or the profile's id
  BandScale near_scale, far_scale;                // of settings as users have them
  BandScale varied_near_scale, varied_far_scale;  // of the others (data_rules.h)

  /// Of everything above; changes when any prediction may.
  std::string hash() const;
};

/// Compact: one training configuration a line.
std::string to_text(const Calibration& calibration);
/// Everything is checked and bounded; the error names the member.
Result<Calibration> calibration_from_text(std::string_view text);

/// What steps are timed with. Of a file as to_text() writes it the points, by far the most of it,
/// are not looked at.
struct StepCalibration {
  Coefficients coefficients;
  std::string hash;  // of what stands before the points, provenance and the hash of the data too
};
Result<StepCalibration> step_calibration_from_text(std::string_view text);

}  // namespace kneepoint::predict
