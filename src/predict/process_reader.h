#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "predict/kernel.h"
#include "predict/residual_process.h"

namespace kneepoint::predict {

/// Asks a process what it says of a point nobody measured. Read-only; threads share one. The mean
/// is exact, from the weights of all points; the variance comes from the 96 points that have most
/// to say, so that no matrix of all points has to be kept or made.
class ProcessReader {
 public:
  /// Both outlive it.
  ProcessReader(const ResidualProcess& process, const std::vector<KernelPoint>& at)
      : process_(process), at_(at), kernel_(process.kernel) {}

  struct Answer {
    double mean = 0;
    double variance = 0;      // of what a trusted measurement would leave, its noise included
    std::size_t nearest = 0;  // the point with most to say
  };
  Answer at(const KernelPoint& point) const;

  /// The variance had the points not been there for which `left_out` is set.
  double variance(const KernelPoint& point, const std::vector<bool>& left_out) const;

 private:
  double variance_of(const KernelPoint& point,
                     std::vector<std::pair<double, std::size_t>>& say) const;

  const ResidualProcess& process_;
  const std::vector<KernelPoint>& at_;
  CompiledKernel kernel_;
};

}  // namespace kneepoint::predict
