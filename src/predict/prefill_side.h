#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "perfmodel/compiled_steps.h"
#include "perfmodel/operator_tables.h"
#include "predict/deployment.h"
#include "sim/engine.h"

namespace kneepoint::predict {

/// The workers of a deployment that only compute prompts, as engines: one for each data-parallel
/// rank of each worker.
struct PrefillSide {
  perfmodel::CompiledSteps steps;
  sim::EngineConfig engine;
  std::int64_t engines = 1;
  /// What a prompt's cache takes to a worker that decodes: assumed are 50 GB/s, one 400 Gbit/s
  /// adapter, and 3 ms of handshake.
  Nanos transfer_base{};
  double transfer_ns_per_token = 0;
};

/// Nothing where prompts are computed with the answers. `tokens`: of a request, prompt and answer;
/// `longest`: that the engine takes. Errors as of Predictor::predict().
Result<std::optional<PrefillSide>> prefill_side(const Deployment& deployment,
                                                const perfmodel::OperatorTables& tables,
                                                double tokens, std::int64_t longest,
                                                bool answer_anyway);

}  // namespace kneepoint::predict
