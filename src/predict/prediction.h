#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "curve/point.h"
#include "profile/profile.h"

namespace kneepoint::predict {

/// What a prediction is asked for: a serving setup under a workload at a load. Members left empty
/// are resolved the way the model server would (docs/predict.md), never refused for that.
struct Question {
  profile::ServingSetup setup;
  profile::Workload workload;
  curve::LoadKind load_kind = curve::LoadKind::Concurrency;
  double load = 1;                        // clients in flight, requests per second, or requests
  std::optional<double> request_count{};  // of the run; empty: as many as a usual benchmark takes
  std::string measured_on{};              // date of the stack; empty: that of the version, or new
  std::string measured_by{};  // source whose way to measure is meant; empty: the usual one
  /// What is not known or cannot be is answered from the nearest that can, with a wide band and a
  /// line in Prediction::extrapolated, instead of an error.
  bool answer_anyway = false;
};

/// 80 of 100 measurements of such a point are expected between low and high.
struct Estimate {
  double value = 0, low = 0, high = 0;
};

/// How far the question is from what was measured; the strata of docs/predict.md.
enum class Distance { Near, Far };

struct Prediction {
  Estimate ttft_mean_ms, tpot_mean_ms, e2e_mean_ms;
  curve::LoadPoint at;  // the values as a load point, percentiles by simulation included
  double running_mean = 0, kv_use_mean = 0;  // simulated: sequences; share of the cache
  bool saturated = false;                    // the offered rate is above what the setup can do
  Distance distance = Distance::Far;
  std::string nearest;                    // id of the nearest measured profile
  std::vector<std::string> extrapolated;  // "no kernel table of nvidia-l4: roofline", ...
  int anchors = 0;                        // measured points of this setup that it passes through
};

/// Predicts. Read-only once opened: any number of threads may ask at once.
class Predictor {
 public:
  virtual ~Predictor() = default;
  /// Error: the model or the accelerator is unknown, or the model does not fit (says which and what
  /// to do). None of these with Question::answer_anyway.
  virtual Result<Prediction> predict(const Question& question) const = 0;
  /// Of the calibration file and the tables: changes when any prediction may.
  virtual const std::string& hash() const = 0;
  /// One line: what predicts, by what it was calibrated, with its cross-validated error.
  virtual std::string provenance() const = 0;
};

}  // namespace kneepoint::predict
