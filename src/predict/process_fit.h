#pragma once

#include <memory>
#include <span>
#include <vector>

#include "predict/kernel.h"
#include "predict/residual_process.h"

namespace kneepoint::predict {

/// A fitted process with all that was needed to fit it: predictions for points left out in whole
/// groups follow from it without fitting again.
class ProcessFit {
 public:
  /// Points whose residual is NaN or whose weight is 0 take no part. A weight divides the noise; it
  /// is lowered in two rounds where a point does not agree with what all others say of it
  /// (Student's t with 4 degrees of freedom). Costs a few n^3.
  ProcessFit(const Kernel& kernel, std::span<const KernelPoint> at,
             std::span<const double> residual, std::span<const double> weight);
  ~ProcessFit();

  const ResidualProcess& process() const { return process_; }
  /// The points as they are written to a file.
  void set_places(std::vector<Covariates> at) { process_.at = std::move(at); }

  /// What the points outside of `group` say of those in it: mean and variance of the residual,
  /// noise of a trusted point included. `residual`: those of all points, as an explanation fitted
  /// without the group leaves them.
  struct LeftOut {
    std::vector<double> mean, variance;  // NaN for points that took no part
  };
  LeftOut leave_out(std::span<const std::size_t> group, std::span<const double> residual) const;

 private:
  struct Matrices;
  std::unique_ptr<Matrices> matrices_;
  ResidualProcess process_;
};

}  // namespace kneepoint::predict
