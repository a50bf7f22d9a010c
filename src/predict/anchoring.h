#pragma once

#include <span>
#include <string>
#include <vector>

#include "predict/residual_process.h"

namespace kneepoint::predict {

/// A measured point of a user's own, as far as predictions around it are concerned.
struct Anchor {
  Covariates at;
  double log_ratio = 0;  // log(measured / predicted without anchors)
  double sd = 0;         // that the prediction said it might be off by, of the log
};

/// What the anchors say of a point: a factor on the prediction, and how much of its sd is left.
struct Correction {
  double log_factor = 0;
  double sd_share = 1;  // 0: an anchor lies here
};

/// How alike the error of two points is, from 0 to 1: 1 at the same point, less with each doubling
/// between their loads and lengths, and with each respect in which their setups differ; 0 between
/// different models, servers or accelerators.
double error_likeness(const Covariates& a, const Covariates& b, const KernelShape& shape);

/// Takes the error of a prediction for a process with `sd` at each point and the likeness above, of
/// which the anchors are values: the corrected prediction passes through every anchor, keeps to the
/// last one beyond them for some doublings of the load, and returns to the uncorrected one far
/// away. Of two anchors at one place it takes the mean.
Correction correct(std::span<const Anchor> anchors, const Covariates& at, double sd,
                   const KernelShape& shape);

}  // namespace kneepoint::predict
