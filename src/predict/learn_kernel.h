#pragma once

#include <span>
#include <vector>

#include "predict/kernel.h"

namespace kneepoint::predict {

/// Points that are left out together, and what their error counts for.
struct LeftOutGroup {
  std::vector<std::size_t> points;
  double importance = 1;  // of the mean error over its points
};

struct LearnOptions {
  int rounds = 26;      // evaluations of the loss; each costs a few points^3
  double pull = 0.008;  // towards the start values, per squared unit of a hyper-parameter
};

/// The hyper-parameters under which the points of each group are best predicted from all others:
/// the least sum over groups of importance * weighted mean |error of the log|, which is what the
/// errors we publish are. (The marginal likelihood cares for neighbours and leaves the cold cases
/// to chance: docs/decisions/0008-*.md.) Points with a weight of 0 or a residual of NaN take no
/// part.
Kernel learn_kernel(const Kernel& start, std::span<const KernelPoint> at,
                    std::span<const double> residual, std::span<const double> weight,
                    std::span<const LeftOutGroup> groups, const LearnOptions& options = {});

/// That loss, and its slope by each hyper-parameter in the order of parameters().
double left_out_loss(const Kernel& kernel, std::span<const KernelPoint> at,
                     std::span<const double> residual, std::span<const double> weight,
                     std::span<const LeftOutGroup> groups, std::vector<double>* slope);

/// Amplitude and the penalties in use, term by term, and the noise last.
std::vector<double> parameters(const Kernel& kernel);
Kernel with_parameters(Kernel kernel, std::span<const double> parameters);

}  // namespace kneepoint::predict
