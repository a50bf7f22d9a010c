#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"

namespace kneepoint::perfmodel {

/// A piece of one prompt computed in a step.
struct PrefillChunk {
  std::int64_t tokens = 0;  // computed now
  std::int64_t cached = 0;  // of the same sequence, already in the KV cache
};

/// What one engine step computes. Prompts chunk by chunk, as attention costs each of them
/// differently; decoding sequences as sums, so that a step costs the same with 1 or 1,000 of them.
struct StepShape {
  std::span<const PrefillChunk> prefills{};  // valid during the call that gets the shape
  std::int64_t prefill_tokens = 0;           // sum of the chunks
  std::int64_t prompts_ended = 0;            // chunks that end their prompt: each samples a token
  std::int64_t decodes = 0;                  // sequences, one token each
  std::int64_t decode_context = 0;  // tokens in the cache before the step, over all of them

  std::int64_t tokens() const { return prefill_tokens + decodes; }
  std::int64_t sampled() const { return prompts_ended + decodes; }
};

/// How long a step takes. Whoever drives an engine asks once for each step, in order; a model with
/// noise draws from its own seeded stream, so it is not const. One thread.
class StepTimeModel {
 public:
  virtual ~StepTimeModel() = default;
  virtual Nanos step_time(const StepShape& shape) = 0;  // above zero
  /// Of `steps` steps one after the other in which the same sequences decode and nothing else
  /// happens; `first` is the shape of the first of them. The sum to a nanosecond a step.
  virtual Nanos decode_time(const StepShape& first, std::int64_t steps);
};

/// The coefficients of
///
///     time = base + per_prefill_token * prefill tokens
///                 + per_sequence * decoding sequences
///                 + per_context_token * tokens in the cache of those sequences
///                 + per_prefill_context * sum over chunks of tokens * (cached + tokens / 2)
///
/// in nanoseconds. The last is attention: each new token looks at what stands before it.
struct LinearCoefficients {
  double base = 6.9e6;
  double per_prefill_token = 3.3e4;
  double per_sequence = 1.5e4;
  double per_context_token = 49;
  double per_prefill_context = 1.1;

  friend bool operator==(const LinearCoefficients&, const LinearCoefficients&) = default;
};

/// The defaults above are Llama-3.1-8B in bf16 on one H100 SXM by roofline; docs/engine.md shows
/// the arithmetic.
class LinearStepTime final : public StepTimeModel {
 public:
  explicit LinearStepTime(const LinearCoefficients& of = {}) : of_(of) {}
  Nanos step_time(const StepShape& shape) override;
  const LinearCoefficients& coefficients() const { return of_; }

 private:
  LinearCoefficients of_;
};

/// "base=6.9ms,prefill=33us,sequence=15us,context=49ns,prefill-context=1.1ns": for flags. Members
/// left out keep their default; units ns, us, ms, s. The error names the member.
Result<LinearCoefficients> parse_linear(std::string_view text);
/// parse_linear() reads it back to the same value.
std::string to_text(const LinearCoefficients& of);

/// {"base_ns": 6900000, "prefill_token_ns": ..., "sequence_ns": ..., "context_token_ns": ...,
/// "prefill_context_ns": ...}. Members left out keep their default; unknown ones are refused.
Result<LinearCoefficients> linear_from_json(const json::Value& value);
json::Value to_json(const LinearCoefficients& of);

}  // namespace kneepoint::perfmodel
