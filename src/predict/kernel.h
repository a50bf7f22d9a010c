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

/// What a term of that weight is multiplied by for two points.
double weight_of(int weight, const KernelPoint& a, const KernelPoint& b);

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
    int weight = 0;
    double variance = 0;
  };
  KernelShape shape_;
  std::vector<Term> terms_;
  std::size_t width_ = 0;          // of a row of penalties
  std::vector<double> penalties_;  // a row per term
  double noise_ = 0;
};

}  // namespace kneepoint::predict
