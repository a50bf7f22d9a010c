#pragma once

#include <vector>

#include "perfmodel/compiled_steps.h"
#include "perfmodel/step_parts.h"
#include "perfmodel/step_time.h"

namespace kneepoint::perfmodel {

/// The tables alone, nothing fitted: 1 for the table parts, and overheads as a current server has
/// them (docs/step-time.md).
PartCoefficients default_coefficients();

/// A compiled setup with coefficients, folded together so that a step is a few look-ups (a decode
/// step of up to 1,024 sequences: two). Gives dot(amounts(shape), coefficients) to the next whole
/// nanosecond. Copies hold no references; noise is another model's business.
class PartedStepTime final : public StepTimeModel {
 public:
  PartedStepTime(const CompiledSteps& steps, const PartCoefficients& coefficients);

  Nanos step_time(const StepShape& shape) override;
  /// In one go for each octave of context, in which a step's time is a straight line.
  Nanos decode_time(const StepShape& first, std::int64_t steps) override;

 private:
  static constexpr std::int64_t kDense = 1024;

  double decode_nanos(double batch) const;  // all but attention
  double attention(double batch, double cached) const;
  double prompt_attention(double tokens) const {
    return tokens * TokenGrid::at(prompt_rate_, tokens);
  }

  std::vector<double> by_batch_;  // decode_nanos of 0..kDense
  TokenCurve decode_tokens_{}, prefill_tokens_{}, head_{}, prompt_rate_{};
  ContextSurface attention_{};
  double decode_step_ = 0, prefill_step_ = 0;  // what each step costs
  double per_sequence_ = 0, per_chunk_ = 0, per_prompt_token_ = 0;
};

}  // namespace kneepoint::perfmodel
