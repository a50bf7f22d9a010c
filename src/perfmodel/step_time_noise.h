#pragma once

#include <cstdint>

#include "base/random.h"
#include "perfmodel/step_time.h"

namespace kneepoint::perfmodel {

/// Another model's times, each multiplied by a draw from a lognormal distribution of mean 1 whose
/// standard deviation is `spread`: steps of one shape differ on a real machine, some by much, none
/// below zero. Draws follow one another, so the same steps under the same seed take the same times.
class NoisyStepTime final : public StepTimeModel {
 public:
  /// `model` outlives this. `spread` from 0 (none) to 10.
  NoisyStepTime(StepTimeModel& model, double spread, std::uint64_t seed);
  Nanos step_time(const StepShape& shape) override;

 private:
  StepTimeModel& model_;
  double mu_, sigma_;  // of the logarithm
  Random random_;
};

}  // namespace kneepoint::perfmodel
