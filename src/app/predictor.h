#pragma once

#include <filesystem>
#include <memory>

#include "app/session.h"
#include "predict/calibrate.h"
#include "predict/prediction.h"

namespace kneepoint::app {

/// Where the kernel times and the calibration lie: beside the shipped catalog. The operators' path
/// is empty where the file is not there: everything is then computed from data sheets.
struct PredictionFiles {
  std::filesystem::path operators, calibration;
};
PredictionFiles prediction_files(const Settings& settings);

/// Predicts by `calibration` (empty: the shipped one), through what was measured here: the profiles
/// of the user's own are anchors. A store that cannot be opened is no error here, there are just no
/// anchors.
Result<std::unique_ptr<predict::Predictor>> open_predictor(
    Session& session, const std::filesystem::path& calibration = {});

/// Predicts by a calibration on the points of a file in the columns of the published measurements.
Result<std::unique_ptr<predict::Predictor>> train_predictor(Session& session,
                                                            const std::filesystem::path& points,
                                                            const predict::Progress& progress);

}  // namespace kneepoint::app
