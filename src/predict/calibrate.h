#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "predict/calibration.h"
#include "predict/measured_point.h"

namespace kneepoint::predict {

struct CalibrateOptions {
  std::string program_version, today;  // for the provenance
  bool learn_kernel = true;            // else the shipped hyper-parameters are kept
  bool cross_validate = true;          // errors and bands; else those of the start values
  int threads = 0;                     // 0: as many as there are processors
};

/// Done, of all, and what is being done.
using Progress = std::function<void(std::size_t done, std::size_t all, std::string_view what)>;

/// `operators`: the packed kernel times, the file beside the catalog; empty: none, everything is
/// computed from data sheets.
///
/// Fits on measured points. Points that cannot be used (no TPOT, unknown model) are passed over and
/// counted. Error: fewer than 5 points could be used (says why the first of them could not).
Result<Calibration> calibrate(std::span<const MeasuredPoint> points,
                              const catalog::Catalog& catalog,
                              const std::filesystem::path& operators,
                              const CalibrateOptions& options, const Progress& progress = {});

}  // namespace kneepoint::predict
