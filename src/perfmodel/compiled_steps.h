#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/types.h"
#include "perfmodel/memory.h"
#include "perfmodel/operators.h"
#include "perfmodel/step_parts.h"
#include "perfmodel/step_time.h"

namespace kneepoint::perfmodel {

/// A serving setup made into flat tables: the amounts of each part of any step are a few look-ups
/// away. Values only: copy it, share it between threads.
///
/// A step here is the whole pass of one batch: through all pipeline stages, on one data-parallel
/// rank. So a StepShape counts the tokens and sequences of one rank (the others are taken to do the
/// same), and with `stages` > 1 as many batches are on the way at once, each a step long.
struct CompiledSteps {
  TokenCurve gemm{}, experts{}, exchange{}, elementwise{};  // by tokens of the step
  TokenCurve head{};                                        // by sampled tokens
  ContextSurface decode_attention{};                        // by sequences and tokens each sees
  /// Nanoseconds per token of computing a prompt of so many tokens: times the tokens, what the
  /// attention of the whole prompt costs. Linear between points is exact for a quadratic cost.
  TokenCurve prefill_attention_rate{};

  double layers = 0;
  int stages = 1;
  int data_ranks = 1;
  double weights_bytes_per_accelerator = 0;
  /// Of one accelerator, all layers alike (perfmodel/memory counts windows per request).
  double kv_bytes_per_token = 0;
  /// Sentences: what of this was not measured on this accelerator or not stated of this model.
  std::vector<std::string> extrapolated;

  PartAmounts amounts(const StepShape& shape) const;

  /// Attention over the first `tokens` of a prompt.
  double prompt_attention(double tokens) const {
    return tokens * TokenGrid::at(prefill_attention_rate, tokens);
  }
  /// `batch` sequences with `cached` tokens each in the cache before the step.
  double attention_of(double batch, double cached) const;
};

/// Error: the accelerator lacks bandwidth or compute figures, or the degrees of parallelism make no
/// setup. Whether it fits in memory is not asked here: fits() answers that. About 1 ms.
Result<CompiledSteps> compile_steps(const OperatorTables& tables, const catalog::Model& model,
                                    const catalog::Accelerator& accelerator,
                                    const MemorySetup& setup);

}  // namespace kneepoint::perfmodel
