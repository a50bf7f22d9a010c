#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace kneepoint::predict {

/// Where a setup under a load lies among others: named categories, continuous features in the order
/// of KernelShape, and of what its latency is made: the share of each part and extra in it.
struct Covariates {
  std::vector<std::string> categories;
  std::vector<double> continuous;
  std::vector<double> shares;
};

/// Groups of parts that an error may come from together.
enum class ShareGroup : std::size_t {
  Dense,  // matrix products, element-wise work, output layer
  Experts,
  Exchange,
  Attention,
  Overheads,
  Requests,  // what no step explains; of TTFT only
  Count
};
inline constexpr std::size_t kShareGroups = static_cast<std::size_t>(ShareGroup::Count);

/// Two points differ in these respects, in this order: each category (0 or 1), each continuous
/// feature (the distance, or half its square), and the shares of the groups (squared distance).
struct KernelShape {
  std::vector<std::string> categories;
  std::vector<std::string> continuous;
  std::vector<bool> squared;     // per continuous feature
  std::vector<double> share_sd;  // per part and extra: sd of the log of its coefficient
  std::size_t respects() const { return categories.size() + continuous.size() + 1; }
};

/// One term of the kernel:
///
///     amplitude^2 * weight(a, b) * exp(- sum over respects of penalty * difference)
///
/// Plain terms weigh 1. The untabled one weighs 1 between accelerators without kernel tables and 0
/// elsewhere: what data sheets promise too much; the varied one the same between points of varied
/// settings: what a source does to all that it measures. Those of a group weigh share(a) *
/// share(b): an error in what that group costs. The linear one weighs the sum over parts of share *
/// share * sd^2: what is still open of the coefficients themselves.
struct KernelTerm {
  static constexpr int kVaried = -3, kUntabled = -2, kPlain = -1,
                       kLinear = static_cast<int>(kShareGroups);
  static constexpr double kUnused = -std::numeric_limits<double>::infinity();
  int weight = kPlain;  // else a ShareGroup, or kLinear
  double log_amplitude = 0;
  std::vector<double> log_penalty;  // one per respect; kUnused: it does not matter here
};

struct Kernel {
  KernelShape shape;
  std::vector<KernelTerm> terms;
  double log_noise = 0;  // log of the sd of one trusted point
};

/// A Gaussian process on log(measured / explained): what the training points say of it.
struct ResidualProcess {
  Kernel kernel;
  std::vector<Covariates> at;
  std::vector<double> residual;  // log(measured / explained); NaN: not measured
  std::vector<double> noise;     // variance of each; NaN: takes no part
  std::vector<double> alpha;     // (K + noise)^-1 residual; 0 where it takes no part
};

}  // namespace kneepoint::predict
