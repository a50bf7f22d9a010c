#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "predict/prediction.h"

namespace kneepoint::app {

struct PredictedPoints {
  std::string csv;  // the input's columns, then the predicted ones
  std::size_t rows = 0, failed = 0;
  std::string first_error;  // names the row
};

/// Predicts each row of a file in the columns of the published measurements; only the columns of
/// the configuration are read, all are kept. A row that cannot be predicted has no figures and says
/// why in `predicted_error`. `file` is what errors call it. On `threads` threads (0: one for each
/// processor); the answer does not depend on how many. `progress` is told on this thread.
Result<PredictedPoints> predict_points(
    const predict::Predictor& predictor, std::string_view text, std::string_view file, int threads,
    const std::function<void(std::size_t, std::size_t)>& progress);

}  // namespace kneepoint::app
