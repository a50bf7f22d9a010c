#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "predict/residual_process.h"

namespace kneepoint::predict {

/// Covariates ready to be compared: category names as numbers, shares summed by group and scaled.
struct KernelPoint {
  static constexpr std::int32_t kUnknown = -1;  // a name no training point has: equals nothing
  std::vector<std::int32_t> categories;
  std::vector<double> continuous;
  std::array<double, kShareGroups> groups{};
  std::vector<double> open;  // share times sd of its coefficient's log
};

ShareGroup group_of_share(std::size_t part_or_extra);

/// Makes points comparable: names to numbers, one dictionary per category.
class CategoryNames {
 public:
  explicit CategoryNames(const KernelShape& shape)
      : numbers_(shape.categories.size()), share_sd_(shape.share_sd) {}
  KernelPoint learn(const Covariates& of);  // takes up new names
  KernelPoint look_up(const Covariates& of) const;

 private:
  std::vector<std::map<std::string, std::int32_t, std::less<>>> numbers_;
  std::vector<double> share_sd_;
};

/// In which respects two points differ, and by how much; `out` has KernelShape::respects() places.
void differences(const KernelShape& shape, const KernelPoint& a, const KernelPoint& b,
                 std::span<double> out);

/// What a term is multiplied by for two points.
double weight_of(const KernelTerm& term, const KernelPoint& a, const KernelPoint& b);

/// A kernel ready to be asked.
class CompiledKernel {
 public:
  explicit CompiledKernel(const Kernel& of);

  double operator()(const KernelPoint& a, const KernelPoint& b) const;
  /// Of a point with itself.
  double variance(const KernelPoint& of) const;
  double noise() const { return noise_; }

 private:
  struct Term {
    KernelTerm source;
    double variance = 0;
    std::vector<std::pair<std::size_t, double>> penalty;  // respect, factor
  };
  KernelShape shape_;
  std::vector<Term> terms_;
  double noise_ = 0;
};

}  // namespace kneepoint::predict
