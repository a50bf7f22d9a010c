#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace kneepoint::predict {

/// What a setup and load look like to the kernel: named categories and continuous features, in the
/// order of KernelShape.
struct Covariates {
  std::vector<std::string> categories;
  std::vector<double> continuous;
};

/// One term of the kernel:
///
///     amplitude^2 * prod over categories (1 if equal, else agreement)
///                 * prod over continuous features exp(-d / 2l) or exp(-d^2 / 2l^2)
struct KernelTerm {
  double log_amplitude = 0;
  std::vector<double> logit_agreement;  // one per category
  std::vector<double> log_length;       // one per continuous feature
};

struct KernelShape {
  std::vector<std::string> categories;
  std::vector<std::string> continuous;
  std::vector<bool> rough;  // per continuous feature: exponential instead of squared
};

struct Kernel {
  KernelShape shape;
  std::vector<KernelTerm> terms;
  double log_noise = 0;  // log of the sd of one trusted point
};

/// A Gaussian process on log(measured / explained): what the training points say of it. Where they
/// lie is kept once for all processes (Calibration::at).
struct ResidualProcess {
  Kernel kernel;
  std::vector<double> residual;  // log(measured / explained); NaN: not measured
  std::vector<double> noise;     // variance of each
  std::vector<double> alpha;     // (K + noise)^-1 residual; 0 where not measured
};

}  // namespace kneepoint::predict
