#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "curve/curve.h"
#include "predict/prediction.h"
#include "profile/profile.h"

namespace kneepoint::app {

/// A setup under a workload, at loads or, without any, along its whole curve.
struct PredictAsk {
  predict::Question question;  // its load is replaced
  std::vector<double> loads;   // of question.load_kind, rising
};

/// What was predicted: a profile whose points have bands, and what the profile has no place for.
struct PredictedCurve {
  profile::Profile profile;
  std::vector<predict::Prediction> predictions;  // one for each point
  curve::Knee knee;
  bool whole = false;  // a curve was asked for, not loads
  std::string provenance;
};

/// A curve has up to 12 loads: doublings from one client up to where throughput has stopped rising,
/// and two between the neighbours of the knee. Errors are the predictor's.
Result<PredictedCurve> predict_curve(const predict::Predictor& predictor, const PredictAsk& ask);

/// The most loads of a curve.
inline constexpr std::size_t kMostCurveLoads = 12;

/// The loads of `ladder` with clients in flight, from the lowest until throughput has stopped
/// rising.
Result<std::vector<std::pair<double, predict::Prediction>>> climb(
    const predict::Predictor& predictor, predict::Question question,
    std::span<const double> ladder);

/// One point with its bands; the figures that the prediction lacks follow by definition.
profile::Point point_of(const predict::Question& question, const predict::Prediction& prediction);

/// What stands behind predictions of one setup: every note of any of them, once.
profile::Evidence evidence_of(const predict::Predictor& predictor,
                              std::span<const predict::Prediction> predictions,
                              const std::vector<profile::Point>& points);

/// docs/schema/prediction.v1.json.
json::Object predicted_json(const PredictedCurve& curve);

}  // namespace kneepoint::app
