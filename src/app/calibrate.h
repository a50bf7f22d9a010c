#pragma once

#include <filesystem>
#include <string>

#include "app/session.h"
#include "predict/calibrate.h"

namespace kneepoint::app {

struct CalibrateAsk {
  std::filesystem::path train;  // points as CSV; empty: the profiles of catalog and store
  predict::CalibrateOptions options;
  predict::Progress progress;
};

/// Fits on what was measured: a file in the columns of the published measurements, or the profiles
/// that ship with the ones measured here.
Result<predict::Calibration> calibrate(Session& session, const CalibrateAsk& ask);

}  // namespace kneepoint::app
