#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "predict/residual_process.h"

namespace kneepoint::predict {

/// Covariates with their category names as numbers. Names seen by no training point have one number
/// of their own that equals nothing.
struct KernelPoint {
  static constexpr std::int32_t kUnknown = -1;
  std::vector<std::int32_t> categories;
  std::vector<double> continuous;
};

/// Names to numbers, one dictionary per category.
class CategoryNames {
 public:
  explicit CategoryNames(std::size_t categories) : numbers_(categories) {}
  /// Learns new names.
  KernelPoint learn(const Covariates& of);
  KernelPoint look_up(const Covariates& of) const;

 private:
  std::vector<std::map<std::string, std::int32_t, std::less<>>> numbers_;
};

/// A kernel ready to be asked: agreements as logs, lengths as factors.
class CompiledKernel {
 public:
  explicit CompiledKernel(const Kernel& of);

  double operator()(const KernelPoint& a, const KernelPoint& b) const;
  /// Of a point with itself.
  double variance() const { return variance_; }
  double noise() const { return noise_; }

  /// The value of each term (for gradients).
  void terms(const KernelPoint& a, const KernelPoint& b, std::span<double> out) const;

 private:
  struct Term {
    double log_variance = 0;
    std::vector<double> log_agreement;  // of a mismatch
    std::vector<double> factor;         // of the distance, or of its square
  };
  double log_value(const Term& term, const KernelPoint& a, const KernelPoint& b) const;

  std::vector<Term> terms_;
  std::vector<bool> rough_;
  double variance_ = 0, noise_ = 0;
};

/// log of 1 / (1 + exp(-logit)), safe for any logit.
double log_agreement(double logit);

}  // namespace kneepoint::predict
