#include "perfmodel/step_time_noise.h"

#include <algorithm>
#include <cmath>

#include "base/portable_math.h"

namespace kneepoint::perfmodel {

// With s the standard deviation of the logarithm, mean 1 takes mu = -s^2 / 2, and the variance is
// then exp(s^2) - 1.
NoisyStepTime::NoisyStepTime(StepTimeModel& model, double spread, std::uint64_t seed)
    : model_(model),
      mu_(-std::log1p(spread * spread) / 2),
      sigma_(std::sqrt(std::log1p(spread * spread))),
      random_(seed, "step noise") {}

Nanos NoisyStepTime::step_time(const StepShape& shape) {
  const auto plain = static_cast<double>(model_.step_time(shape).count());
  if (sigma_ == 0) return Nanos(static_cast<std::int64_t>(plain));
  const double noisy = plain * portable_exp(mu_ + sigma_ * random_.normal());
  return Nanos(std::max<std::int64_t>(1, static_cast<std::int64_t>(noisy + 0.5)));
}

}  // namespace kneepoint::perfmodel
