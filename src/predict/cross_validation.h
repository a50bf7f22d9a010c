#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "predict/calibration.h"
#include "predict/training.h"

namespace kneepoint::predict {

/// A point predicted without any point of its group.
struct LeftOutPoint {
  std::size_t point = 0;  // of the set
  double tpot_ms = 0, ttft_ms = 0, e2e_ms = 0;
  double tpot_sd = 0, ttft_sd = 0, e2e_sd = 0;  // of the log, before any band scale
  Distance distance = Distance::Far;            // to what was left
};

/// Every point of every group of at least `least` points, coefficients fitted anew without the
/// group. Curves are left out in five parts, each curve whole. Kernels and the weights of outliers
/// are those of all points: they are few numbers for thousands of points.
std::vector<LeftOutPoint> cross_validate(const TrainingSet& set, const Fitted& fitted,
                                         Scheme scheme, std::size_t least = 10);

SchemeErrors errors_of(const TrainingSet& set, const std::vector<LeftOutPoint>& predictions,
                       std::string scheme);

/// How wide bands have to be for 80 of 100 of the points of that distance to be inside; half of the
/// curves say the width, the other half how many are inside, and the other way round. `varied`: of
/// points of varied settings, or of the others.
BandScale band_scale(const TrainingSet& set, const std::vector<LeftOutPoint>& predictions,
                     Distance distance, bool varied);

/// Predictions are kept within reason: a process far from its points is not believed for more.
inline constexpr double kMostTpotFactor = 1.2, kMostTtftFactor = 1.5;  // of the log

/// Of the log of TTFT + (n - 1) TPOT.
double e2e_sd(double ttft, double ttft_sd, double decode, double tpot_sd);

}  // namespace kneepoint::predict
