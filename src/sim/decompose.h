#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "perfmodel/step_parts.h"
#include "perfmodel/step_time.h"
#include "sim/engine.h"
#include "workload/length.h"

/// What the latencies of a load are made of: one run of an engine in virtual time gives, beside the
/// latencies themselves, how much of each part of a step stands in them. As latencies are sums of
/// step times and those are sums over parts,
///
///     mean TTFT [ns] = dot(ttft, coefficients)       mean TPOT [ns] = dot(tpot, coefficients)
///
/// hold exactly (to the rounding of steps to nanoseconds). In a closed loop, and in a burst, the
/// sequence of steps does not depend on how long they take, up to what is scheduled: there the same
/// weights serve any coefficients, and fitting them is linear algebra. Under a rate the sequence
/// follows the time, so the weights are those of the coefficients they were found with.
namespace kneepoint::sim {

/// What one step is made of. Read-only, so threads may share one.
class StepParts {
 public:
  virtual ~StepParts() = default;
  virtual perfmodel::PartAmounts amounts(const perfmodel::StepShape& shape) const = 0;
};

/// Anything with such a member as one of them; `of` outlives it.
template <typename T>
class PartsOf final : public StepParts {
 public:
  explicit PartsOf(const T& of) : of_(of) {}
  perfmodel::PartAmounts amounts(const perfmodel::StepShape& shape) const override {
    return of_.amounts(shape);
  }

 private:
  const T& of_;
};

enum class LoadPattern {
  Closed,    // `load` clients, each sends its next request when the last is answered
  Constant,  // `load` requests per second, evenly
  Poisson,   // ... as they come
  Burst,     // all requests at once
};

struct Load {
  LoadPattern pattern = LoadPattern::Closed;
  double load = 1;              // not of a burst
  std::int64_t requests = 100;  // of the run, all of them played to their end
  std::int64_t uncounted = 0;   // of these the first: warm-up
  workload::LengthSpec input{}, output{};
  /// Leading tokens of each prompt that every prompt has; in the cache before the run begins. Full
  /// blocks of them count.
  std::int64_t cached_prefix = 0;
  /// Closed loop: how many steps after an answer's end the server sees its client's next request.
  /// Servers plan a step while the one before it runs, so it is 1. It waits no longer than the
  /// engine has work.
  std::int64_t unseen_steps = 1;
  /// With a rate: no more than so many are out, as load generators have it; 0: any number. One that
  /// waits for a place is sent late, and its latencies count from then.
  std::int64_t most_in_flight = 0;
  std::uint64_t seed = 1;
};

/// "random:IN/OUT:range0.8": uniform from `least_share` of `nominal` to `nominal`. A share of 0
/// begins at 1 token.
workload::LengthSpec up_to(std::int64_t nominal, double least_share);
workload::LengthSpec exactly(std::int64_t tokens);

struct Quantiles {
  double mean = 0, p50 = 0, p90 = 0, p99 = 0;  // nearest rank
};

struct Decomposition {
  /// Mean amounts per counted request; TPOT over those with more than one token of output.
  perfmodel::PartAmounts ttft{}, tpot{};
  Quantiles ttft_ms, tpot_ms, e2e_ms;
  double output_tokens_mean = 0, input_tokens_mean = 0;          // of the counted
  double running_mean = 0, waiting_mean = 0;                     // over time; sequences
  double kv_use_mean = 0, kv_use_most = 0;                       // share of the cache
  double requests_per_second = 0, output_tokens_per_second = 0;  // of the whole run, drain included
  std::int64_t requests = 0;                                     // counted
  std::int64_t refused = 0;                                      // could never run
  std::int64_t preemptions = 0, steps = 0;
  /// A rate above what the engine can do: the queue grew all along.
  bool saturated = false;
};

/// Plays `load` on an engine of `config` that starts empty. The engine's prefix cache is used for
/// `cached_prefix` only. Errors: check(config), numbers out of range, a length spec that cannot be
/// read, requests that all are refused. The same arguments give the same bytes.
Result<Decomposition> decompose(const StepParts& parts,
                                const perfmodel::PartCoefficients& coefficients,
                                const EngineConfig& config, const Load& load);

}  // namespace kneepoint::sim
