#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "perfmodel/operator_tables.h"
#include "perfmodel/parted_step_time.h"
#include "predict/calibration.h"
#include "predict/prediction.h"
#include "predict/prefill_side.h"
#include "sim/replica.h"

namespace kneepoint::app {

/// A serving setup as a machine that can be run in virtual or in real time: its engines' limits,
/// how long their steps take, and what a request costs besides. What `simulate` and `emulate`
/// share, so that a sweep of the one and a run of the other agree.
struct SimulatedServer {
  sim::ReplicaConfig replica;
  perfmodel::PartedStepTime step_time;
  /// Of the engines that decode, where they are others.
  std::optional<perfmodel::PartedStepTime> decode_step_time{};
  /// Client, network and tokenizer: of each request, and of each prompt token.
  double request_ms = 0, token_ms = 0;
  std::string by;                  // hash of the calibration
  std::vector<std::string> notes;  // what was guessed or stands for something else

  /// One for each engine of a fleet.
  sim::StepModels models() const;
};

/// Makes them: kernel times, catalog and calibration, read once. Threads may share one.
class SimulatedServers {
 public:
  /// `calibration` empty: the shipped one; where that is not there, the tables alone with overheads
  /// of a current server (`by` is then "uncalibrated").
  static Result<SimulatedServers> open(Session& session, const std::filesystem::path& calibration);

  /// The load of the question is not looked at, its lengths are. Errors are the predictor's.
  Result<SimulatedServer> of(const predict::Question& question) const;

 private:
  SimulatedServers(const catalog::Catalog& catalog, perfmodel::OperatorTables tables)
      : catalog_(&catalog), tables_(std::move(tables)) {}

  void apart(SimulatedServer& server, const predict::Deployment& deployed,
             const predict::PrefillSide& prompts) const;

  const catalog::Catalog* catalog_;
  perfmodel::OperatorTables tables_;
  predict::Coefficients coefficients_;
  std::string by_;
};

}  // namespace kneepoint::app
