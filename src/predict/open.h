#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "predict/calibration.h"
#include "predict/prediction.h"
#include "profile/profile.h"

namespace kneepoint::predict {

/// `operators`: the packed kernel times, the file beside the catalog; empty: none, everything is
/// computed from data sheets.
/// `calibration`: a file that calibrate() made, such as the shipped one beside the catalog.
/// `anchors`: measured profiles that predictions of the same or a neighbouring setup pass through.
/// The catalog outlives the predictor.
Result<std::unique_ptr<Predictor>> open_predictor(const catalog::Catalog& catalog,
                                                  const std::filesystem::path& operators,
                                                  const std::filesystem::path& calibration,
                                                  std::vector<profile::Profile> anchors = {});

/// The same with a calibration that is at hand.
Result<std::unique_ptr<Predictor>> open_predictor(const catalog::Catalog& catalog,
                                                  const std::filesystem::path& operators,
                                                  Calibration calibration,
                                                  std::vector<profile::Profile> anchors = {});

}  // namespace kneepoint::predict
