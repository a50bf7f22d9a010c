#pragma once

#include <string>
#include <vector>

#include "base/date.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "perfmodel/operator_tables.h"
#include "predict/coefficient_fit.h"
#include "predict/deployment.h"
#include "sim/decompose.h"

namespace kneepoint::predict {

double years_since_start(Date date);

/// Categories and continuous features that need no coefficients: covariates.h.
struct Place {
  std::vector<std::string> categories;
  std::vector<double> continuous;
};

/// What the statistics see of a question: what its latencies are made of, and where it lies among
/// other setups and loads.
struct Features {
  perfmodel::PartAmounts tpot{}, ttft{};  // nanoseconds and counts; sim::Decomposition
  ExtraAmounts extras{};
  Place place;

  sim::Decomposition run;        // at the likeliest cache size
  double output_tokens = 1;      // per request, mean
  double clients = 1;            // in flight over all ranks; of a rate: as simulated
  double peak_ms = 0;            // of one request's arithmetic at the data sheet's rate; 0: unknown
  double kv_load = 0;            // tokens of all clients at full length / cache
  bool of_coefficients = false;  // the weights hold only for the coefficients they were made with
  int ranks = 1;
  bool stood_in = false;  // the model or the accelerator is another than was asked for
  bool unlike = false;    // drafts or disaggregation, which points hardly have
  bool apart = false;     // prompts and answers on workers of their own: simulated, never fitted
  std::vector<std::string> notes;
};

/// Makes features. Read-only: threads share one.
class FeatureMaker {
 public:
  /// The catalog outlives it.
  FeatureMaker(const catalog::Catalog& catalog, perfmodel::OperatorTables tables,
               VersionDates dates)
      : catalog_(catalog), tables_(std::move(tables)), dates_(std::move(dates)) {}

  /// Runs the simulator: milliseconds. Near the size of the cache three sizes are averaged, as it
  /// is known to 12 %; near saturation by a rate three step times, as the queue explodes there. A
  /// rate that was chosen to meet stated limits is met by the longest step times that do.
  Result<Features> of(const Question& question, const perfmodel::PartCoefficients& with) const;

 private:
  const catalog::Catalog& catalog_;
  perfmodel::OperatorTables tables_;
  VersionDates dates_;
};

}  // namespace kneepoint::predict
