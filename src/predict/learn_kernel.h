#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "predict/kernel.h"

namespace kneepoint::predict {

struct LearnOptions {
  std::size_t points = 900;  // at most so many are looked at, in whole groups
  int rounds = 60;           // evaluations of the likelihood; each costs a few points^3
  std::uint64_t seed = 1;    // which groups
  double pull = 0.05;        // towards the start values, per squared unit of a hyper-parameter
};

/// The hyper-parameters under which the residuals are likeliest, starting at those of `start`.
Kernel learn_kernel(const Kernel& start, std::span<const KernelPoint> at,
                    std::span<const double> residual, std::span<const double> weight,
                    std::span<const std::string> group, const LearnOptions& options = {});

/// Minus the log of the marginal likelihood (up to a constant), and its slope by each
/// hyper-parameter in the order of parameters().
double minus_log_likelihood(const Kernel& kernel, std::span<const KernelPoint> at,
                            std::span<const double> residual, std::span<const double> weight,
                            std::vector<double>* slope);

/// Amplitude, agreements and lengths, term by term, and the noise last.
std::vector<double> parameters(const Kernel& kernel);
Kernel with_parameters(Kernel kernel, std::span<const double> parameters);

}  // namespace kneepoint::predict
