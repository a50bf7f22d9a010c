#include "perfmodel/kv_capacity.h"

#include <algorithm>

namespace kneepoint::perfmodel {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;
// vLLM and SGLang: as perfmodel/memory. TensorRT-LLM: found on serving points near their knee.
constexpr double kReserveBase = 2.3 * kGiB;
constexpr double kReservePerWeight = 0.05;
constexpr double kTensorRtReserve = 7.2e9;

}  // namespace

Result<double> kv_capacity_tokens(const CompiledSteps& steps, const catalog::Model& model,
                                  const catalog::Accelerator& accelerator, const MemorySetup& setup,
                                  std::string_view server, double tokens_per_request) {
  const auto memory =
      accelerator.mem_gib_usable ? accelerator.mem_gib_usable : accelerator.mem_gib_nominal;
  if (!memory)
    return fail(
        ErrorCode::Unsatisfiable,
        "the memory of " + accelerator.id +
            " is not known; state it as mem_gib_nominal in an accelerators.csv of your own");
  const double all = *memory * kGiB;
  const double weights = steps.weights_bytes_per_accelerator;
  const double room =
      server == "tensorrt-llm"
          ? (all - weights - kTensorRtReserve) * setup.utilization
          : all * setup.utilization - weights - kReserveBase - kReservePerWeight * weights;
  const double tokens = std::max(1.0, tokens_per_request);
  const double bytes =
      kv_bytes_for(model, setup, tokens).value_or(tokens * steps.kv_bytes_per_token);
  if (bytes <= 0 || room <= 0) return 0.0;
  return room / bytes * tokens;
}

}  // namespace kneepoint::perfmodel
