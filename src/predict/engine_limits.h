#pragma once

#include <cstdint>

#include "predict/deployment.h"
#include "sim/engine.h"

namespace kneepoint::predict {

/// One engine of a deployment: its limits, how it schedules, and a cache of `kv_tokens`. A request
/// of more than `longest` tokens is refused; servers without chunked prefill refuse a prompt that
/// is larger than a step too.
sim::EngineConfig engine_of(const Deployment& deployment, double kv_tokens, std::int64_t longest);

}  // namespace kneepoint::predict
