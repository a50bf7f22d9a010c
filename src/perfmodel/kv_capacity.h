#pragma once

#include <string_view>

#include "catalog/types.h"
#include "perfmodel/compiled_steps.h"
#include "perfmodel/memory.h"

namespace kneepoint::perfmodel {

/// Tokens of KV cache that one data-parallel rank of a server holds, when its requests grow to
/// `tokens_per_request` each (layers with a window keep no more than that of each).
///
/// vLLM and SGLang take `setup.utilization` of the whole memory and give the cache what weights and
/// runtime leave of it; TensorRT-LLM gives it that share of what is free once all is loaded. Any
/// other name counts as vLLM. Held against the block counts that servers report: docs/step-time.md.
/// 0: nothing is left. Error: the memory of the accelerator is not known.
Result<double> kv_capacity_tokens(const CompiledSteps& steps, const catalog::Model& model,
                                  const catalog::Accelerator& accelerator, const MemorySetup& setup,
                                  std::string_view server, double tokens_per_request);

}  // namespace kneepoint::perfmodel
