#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/measured_point.h"
#include "predict/prediction.h"

namespace kneepoint::predict {

/// What is read of each row. `Configuration` never looks at a measured column.
enum class Columns { Configuration, ConfigurationAndMeasured };

/// Reads points in the columns of the published measurements: point_id, model, model_server,
/// accelerator, load_kind and load_value must be there, the other columns may be missing, unknown
/// ones are passed over. Order and number of rows are kept. `file` is what errors call it:
/// "points.csv:7: load_value: 'abc' is not a number". Bounds: 256 MiB of text, 1,000,000 rows.
Result<std::vector<MeasuredPoint>> read_points_csv(std::string_view text, std::string_view file,
                                                   Columns columns);

/// point_id, predicted_{ttft,tpot,e2e}_mean_ms and each with _low and _high, then
/// saturated, distance, nearest, anchors, extrapolated. One row per point, in the same order.
std::string write_predictions_csv(std::span<const MeasuredPoint> points,
                                  std::span<const Prediction> predictions);

}  // namespace kneepoint::predict
