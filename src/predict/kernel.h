#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "predict/residual_process.h"

namespace kneepoint::predict {

/// Covariates ready to be compared: category names as numbers, shares summed by group and scaled.
struct KernelPoint {
  static constexpr std::int32_t kUnknown = -1;  // a name no training point has: equals nothing
  std::vector<std::int32_t> categories;
  std::vector<double> continuous;
  std::array<double, kShareGroups> groups{};
  double untabled = 0;       // 1: no kernel tables of the accelerator
  double varied = 0;         // 1: measured in varied settings
  std::vector<double> open;  // share times sd of its coefficient's log
};

/// The continuous feature that is 1 where an accelerator has no kernel tables.
inline constexpr std::string_view kNoTables = "no kernel tables";

/// The category that is kVariedSetting where settings are varied.
inline constexpr std::string_view kSetting = "setting", kVariedSetting = "varied";

ShareGroup group_of_share(std::size_t part_or_extra);

/// Makes points comparable: names to numbers, one dictionary per category.
class CategoryNames {
 public:
  explicit CategoryNames(const KernelShape& shape)
      : numbers_(shape.categories.size()), share_sd_(shape.share_sd) {
    for (std::size_t i = 0; i < shape.continuous.size(); ++i) {
      if (shape.continuous[i] == kNoTables) untabled_ = i;
    }
    for (std::size_t i = 0; i < shape.categories.size(); ++i) {
      if (shape.categories[i] == kSetting) setting_ = i;
    }
  }
  KernelPoint learn(const Covariates& of);  // takes up new names
  KernelPoint look_up(const Covariates& of) const;

 private:
  std::vector<std::map<std::string, std::int32_t, std::less<>>> numbers_;
  std::vector<double> share_sd_;
  std::size_t untabled_ = ~std::size_t{0}, setting_ = ~std::size_t{0};  // places
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
