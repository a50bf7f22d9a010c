#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "perfmodel/operator_tables.h"
#include "predict/coefficient_fit.h"
#include "predict/deployment.h"
#include "predict/residual_process.h"
#include "sim/decompose.h"

namespace kneepoint::predict {

/// What the statistics see of a question: what its latencies are made of, and where it lies among
/// other setups and loads.
struct Features {
  perfmodel::PartAmounts tpot{}, ttft{};  // nanoseconds and counts; sim::Decomposition
  ExtraAmounts extras{};
  Covariates covariates;

  sim::Decomposition run;        // at the likeliest cache size
  double output_tokens = 1;      // per request, mean
  double clients = 1;            // in flight over all ranks; of a rate: as simulated
  double kv_load = 0;            // tokens of all clients at full length / cache
  bool of_coefficients = false;  // the weights hold only for the coefficients they were made with
  int ranks = 1;
  std::vector<std::string> notes;
};

/// The categories and continuous features that `covariates` has, and the kernel that learning
/// starts from. `latency`: of time per output token, or of time to first token.
enum class Latency { Tpot, Ttft };
Kernel start_kernel(Latency of);

/// Makes features. Read-only: threads share one.
class FeatureMaker {
 public:
  /// The catalog outlives it.
  FeatureMaker(const catalog::Catalog& catalog, perfmodel::OperatorTables tables)
      : catalog_(catalog), tables_(std::move(tables)) {}

  /// Runs the simulator: milliseconds. Near the size of the cache three sizes are averaged, as it
  /// is known to 12 %; near saturation by a rate three step times, as the queue explodes there.
  Result<Features> of(const Question& question, const perfmodel::PartCoefficients& with) const;

 private:
  const catalog::Catalog& catalog_;
  perfmodel::OperatorTables tables_;
};

}  // namespace kneepoint::predict
