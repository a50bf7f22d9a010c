#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "predict/prediction.h"
#include "profile/profile.h"

/// Predicted profiles that are kept, so that lists answer for every model on every accelerator
/// without a simulation. docs/decisions/0009-predicted-rows.md.
namespace kneepoint::app {

/// Which of all setups. Empty asks for all.
struct PredictAllAsk {
  std::string model, model_server, model_server_version;  // the server's builds count as it
  std::vector<std::string> accelerators;
  std::optional<double> input_tokens, output_tokens;  // both; empty: the usual workloads
  bool few_workloads = false;  // of the usual ones those that ship: a chat, and 1024 in, 1024 out
};

/// One row to be: a setup that fits under a workload.
struct PlannedRow {
  predict::Question question;
  std::string id;
};

/// Every model of known size on every accelerator that holds it, with the fewest accelerators that
/// do: a power of two inside one host, tensor parallel, else two full hosts as two pipeline stages;
/// for each model server in its newest release that was measured, or the newest that still runs
/// there, where it runs on the accelerator with these weights (table server_hardware; a server
/// asked for brings its builds for other hardware along); under the use cases and 1024 in, 1024
/// out. In the order of the catalog. NotFound: the model or accelerator is unknown.
Result<std::vector<PlannedRow>> plan_rows(const catalog::Catalog& catalog,
                                          const PredictAllAsk& ask);

/// The fewest accelerators that hold a model, as `plan_rows` splits them; nothing when neither one
/// host nor two do, or a size is unknown.
struct Split {
  int accelerators = 1, tensor = 1, pipeline = 1;
};
std::optional<Split> fewest(const catalog::Model& model, const catalog::Accelerator& accelerator);

/// "bf16", "fp8", "fp4" ...: what the checkpoint's weights are.
std::string checkpoint_precision(const catalog::Model& model);

struct RowsProgress {
  std::size_t done = 0, all = 0, left_out = 0;
};

struct PredictedRows {
  std::size_t planned = 0;
  std::size_t kept = 0;     // there already, by the same calibration
  std::size_t made = 0;     // now
  std::size_t removed = 0;  // stale ones
  std::size_t left_out = 0;
  std::string first_left_out;  // why
};

struct RowsOptions {
  int threads = 0;     // 0: one for each processor
  std::string origin;  // the calibration's file; empty: the shipped one
  std::function<void(const RowsProgress&)> progress;
};

/// Makes the rows that the store lacks and writes them in batches, so that a run that is killed
/// goes on where it was. Rows of another calibration are replaced, and those no longer wanted
/// removed when all are there.
Result<PredictedRows> predict_rows(Session& session, const predict::Predictor& predictor,
                                   const std::vector<PlannedRow>& plan, const RowsOptions& options);

/// The same rows as profiles, in the order of the plan, for the tables that ship. Those left out
/// are counted.
std::vector<profile::Profile> make_rows(const predict::Predictor& predictor,
                                        const std::vector<PlannedRow>& plan,
                                        const RowsOptions& options, PredictedRows& counted);

}  // namespace kneepoint::app
