#include "predict/kv_room.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "perfmodel/memory.h"

namespace kneepoint::predict {
namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
// What a server keeps for itself, by a search over the measured points at 0.45 to 4 times the load
// that fills the cache; on small accelerators it keeps less.
constexpr double kReserve = 5e9, kTensorRtReserve = 8e9;
constexpr double kMostReserveShare = 0.08;
constexpr double kLeastRoom = 2e9;  // a setup that was measured did serve

}  // namespace

perfmodel::MemorySetup memory_setup(const Deployment& d) {
  perfmodel::MemorySetup setup;
  setup.accelerators = d.accelerators;
  setup.tensor_parallel = d.tensor;
  setup.pipeline_parallel = d.pipeline;
  setup.data_parallel = d.data;
  setup.expert_parallel = d.expert;
  setup.weight_precision = d.weight_precision;
  setup.kv_precision = d.kv_precision;
  setup.utilization = d.utilization;
  return setup;
}

Result<double> kv_room(const Deployment& d, const perfmodel::CompiledSteps& steps, double tokens,
                       bool answer_anyway) {
  if (d.kv_tokens) return *d.kv_tokens;
  const double memory =
      d.accelerator->mem_gib_usable.value_or(d.accelerator->mem_gib_nominal.value_or(80)) * kGib;
  const double weights = steps.weights_bytes_per_accelerator;
  if (weights > memory * 0.99 && !answer_anyway) {
    return fail(ErrorCode::Unsatisfiable,
                fmt::format("{} needs {} of weights on each of {} {}, which has {}; use more "
                            "accelerators per replica or a smaller weight precision",
                            d.model->id, human_bytes(weights), d.accelerators, d.accelerator->id,
                            human_bytes(memory)));
  }
  double room = 0;
  if (d.rules == sim::ServerRules::TensorRtLlm) {
    const double reserve = std::min(kTensorRtReserve, kMostReserveShare * 1.6 * memory);
    room = (memory - weights - reserve) * d.utilization;
  } else {
    const double reserve = std::min(kReserve, kMostReserveShare * memory);
    room = memory * d.utilization - weights - reserve;
  }
  double per_token = steps.kv_bytes_per_token;
  if (const auto windowed = perfmodel::kv_bytes_for(*d.model, memory_setup(d), tokens);
      windowed && *windowed > 0) {
    per_token = *windowed / tokens;
  }
  if (!(per_token > 0)) per_token = 1;  // no cache that grows
  return std::max(room, kLeastRoom) / per_token;
}

}  // namespace kneepoint::predict
