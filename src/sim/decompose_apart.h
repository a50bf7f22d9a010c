#pragma once

#include "sim/decompose.h"

/// decompose() of prompts computed on some engines and answers on others (Disaggregation, replica.h
/// in this room). Here the sequence of steps follows the time, so the weights are those of the
/// coefficients they were found with, in a closed loop too.
namespace kneepoint::sim {

struct Side {
  const StepParts& parts;
  EngineConfig engine;  // of each
  std::int64_t engines = 1;
};

struct Apart {
  Side prefill, decode;
  Nanos transfer_base{};             // of each prompt
  double transfer_ns_per_token = 0;  // of its tokens
  /// The client sees the first token, which comes of the prompt, when the engine that decodes has
  /// made the second.
  bool first_comes_with_second = false;
};

/// The load is that of all engines; a request goes to the engine with the fewest. `cached_prefix`,
/// `unseen_steps` and `most_in_flight` of it are not looked at. The engines of each side start
/// empty; waiting and running are sums over all engines, the cache is that of those that decode.
/// Times of transfers are in the latencies, and in no part. Errors as decompose()'s.
Result<Decomposition> decompose_apart(const Apart& apart,
                                      const perfmodel::PartCoefficients& coefficients,
                                      const Load& load);

}  // namespace kneepoint::sim
