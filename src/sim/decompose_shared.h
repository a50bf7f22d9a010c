#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "perfmodel/step_parts.h"
#include "perfmodel/step_time.h"
#include "sim/decompose.h"
#include "workload/length.h"

/// What decompose() and decompose_apart() have in common.
namespace kneepoint::sim::decomposing {

using perfmodel::PartAmounts;

/// Times the engine's steps and remembers of what they were made.
class CountingModel final : public perfmodel::StepTimeModel {
 public:
  CountingModel(const StepParts& parts, const perfmodel::PartCoefficients& coefficients)
      : parts_(parts), coefficients_(coefficients) {}

  Nanos step_time(const perfmodel::StepShape& shape) override {
    amounts_ = parts_.amounts(shape);
    // perfmodel::dot() adds one after the other; four sums at a time take a third of that.
    std::array<double, 4> sums{};
    for (std::size_t i = 0; i < perfmodel::kParts; i += 4) {
      for (std::size_t j = 0; j < 4; ++j) sums[j] += amounts_[i + j] * coefficients_[i + j];
    }
    const double time = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return Nanos(std::max<std::int64_t>(1, std::llround(time)));
  }
  static_assert(perfmodel::kParts % 4 == 0);
  const PartAmounts& amounts() const { return amounts_; }

 private:
  const StepParts& parts_;
  perfmodel::PartCoefficients coefficients_;
  PartAmounts amounts_{};
};

inline void add(PartAmounts& to, const PartAmounts& amounts, double times) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += times * amounts[i];
}

inline PartAmounts difference(const PartAmounts& a, const PartAmounts& b) {
  PartAmounts out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

inline double milliseconds(Nanos time) { return static_cast<double>(time.count()) / 1e6; }

/// Moves the values about.
Quantiles quantiles(std::vector<double>& values);

/// By so many between half of the arrivals and the last: more than what a burst of them does by
/// chance, and more than one in 50 of them.
bool queue_grew(std::int64_t requests, std::int64_t by);

struct Lengths {
  std::unique_ptr<const workload::LengthDistribution> input, output;
};
Result<Lengths> lengths_of(const Load& load);

/// The error names the member.
Result<void> check(const Load& load);

tl::unexpected<Error> none_fits();

}  // namespace kneepoint::sim::decomposing
