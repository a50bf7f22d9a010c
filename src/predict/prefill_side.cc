#include "predict/prefill_side.h"

#include <algorithm>
#include <utility>

#include "predict/engine_limits.h"
#include "predict/kv_room.h"

namespace kneepoint::predict {
namespace {

constexpr Nanos kTransferBase{3'000'000};
constexpr double kTransferBytesPerNanosecond = 50;

}  // namespace

Result<std::optional<PrefillSide>> prefill_side(const Deployment& deployment,
                                                const perfmodel::OperatorTables& tables,
                                                double tokens, std::int64_t longest,
                                                bool answer_anyway) {
  if (!deployment.prefill) return std::nullopt;
  const Deployment worker = prefill_worker(deployment);
  auto steps =
      perfmodel::compile_steps(tables, *worker.model, *worker.accelerator, memory_setup(worker));
  if (!steps) return fail(std::move(steps.error()).during("workers for prompts"));
  for (double& nanos : steps->gemm) nanos *= worker.gemm_factor;
  const auto room = kv_room(worker, *steps, tokens, answer_anyway);
  if (!room) return fail(Error(room.error()).during("workers for prompts"));
  // A latent cache is whole on each tensor rank and is sent once.
  const bool latent = worker.model->kv_lora.value_or(0) > 0;
  const double bytes = steps->kv_bytes_per_token * (latent ? 1 : worker.tensor);
  PrefillSide out;
  out.engine = engine_of(worker, std::max(*room, 1.2 * tokens + 64), longest);
  out.engines = std::int64_t{deployment.prefill_workers} * worker.data;
  out.transfer_base = kTransferBase;
  out.transfer_ns_per_token = bytes / kTransferBytesPerNanosecond;
  out.steps = std::move(*steps);
  return out;
}

}  // namespace kneepoint::predict
