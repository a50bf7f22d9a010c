#pragma once

#include <span>

#include "predict/calibration.h"

namespace kneepoint::predict {

/// One measured point as the fit sees it: what its TPOT and TTFT are made of, and what they were.
struct Observation {
  perfmodel::PartAmounts tpot{}, ttft{};
  ExtraAmounts extras{};
  double tpot_ms = 0, ttft_ms = 0;            // measured; NaN: not
  double tpot_weight = 1, ttft_weight = 0.5;  // 0: not fitted
};

/// Both in ms.
double tpot_ms(const Observation& of, const Coefficients& with);
double ttft_ms(const Observation& of, const Coefficients& with);

/// Where the fit starts and how far it may go: sd of the log of each coefficient.
struct CoefficientPrior {
  Coefficients mean, log_sd;
};
/// Table parts 1 +- 12 %, overheads by a factor of two, extras by a factor of e.
CoefficientPrior start_values();

/// Maximum a posteriori of the logs of all coefficients, by Levenberg-Marquardt on
///
///     sum of weight * huber(log(measured / predicted)) / spread^2 + prior
///
/// The points of a run share their error, so a point counts as if it were off by `spread` of its
/// log and not by its own noise: few points barely move the start values.
Coefficients fit_coefficients(std::span<const Observation> observations,
                              const CoefficientPrior& prior = start_values(), double spread = 1.0);

}  // namespace kneepoint::predict
