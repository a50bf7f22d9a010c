#include "app/simulated_server.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/predictor.h"
#include "base/file.h"
#include "perfmodel/compiled_steps.h"
#include "predict/deployment.h"
#include "predict/engine_limits.h"
#include "predict/kv_room.h"
#include "predict/prefill_side.h"
#include "workload/length.h"

namespace kneepoint::app {
sim::StepModels SimulatedServer::models() const {
  return [step_time = this->step_time, decode = decode_step_time](const sim::Seat& seat) {
    const bool decodes = decode && seat.role == sim::Seat::Role::Decode;
    return std::make_unique<perfmodel::PartedStepTime>(decodes ? *decode : step_time);
  };
}

Result<SimulatedServers> SimulatedServers::open(Session& session,
                                                const std::filesystem::path& calibration) {
  const PredictionFiles files = prediction_files(session.settings());
  perfmodel::OperatorTables tables;
  if (!files.operators.empty()) {
    auto opened = perfmodel::OperatorTables::open(files.operators);
    if (!opened) return fail(std::move(opened).error());
    tables = std::move(*opened);
  }
  SimulatedServers out(session.catalog(), std::move(tables));
  const std::filesystem::path& file = calibration.empty() ? files.calibration : calibration;
  std::error_code error;
  if (calibration.empty() && !std::filesystem::exists(file, error)) {
    out.coefficients_.parts = perfmodel::default_coefficients();
    out.by_ = "uncalibrated";
    return out;
  }
  const auto text = MappedFile::open(file);
  if (!text) return fail(text.error());
  const auto read = predict::step_calibration_from_text(text->bytes());
  if (!read) return fail(Error(read.error()).during(file.string()));
  out.coefficients_ = read->coefficients;
  out.by_ = read->hash.substr(0, 16);
  return out;
}

void SimulatedServers::apart(SimulatedServer& server, const predict::Deployment& deployed,
                             const predict::PrefillSide& prompts) const {
  sim::ReplicaConfig& replica = server.replica;
  replica.disaggregation = {.decode = replica.engine,
                            .prefill_engines = prompts.engines,
                            .decode_engines = deployed.decode_workers * replica.ranks,
                            .transfer_base = prompts.transfer_base,
                            .transfer_ns_per_token = prompts.transfer_ns_per_token};
  replica.engine = prompts.engine;
  replica.ranks = replica.stages = 1;
  replica.ranks_together = false;
  server.decode_step_time = std::move(server.step_time);
  server.step_time = perfmodel::PartedStepTime(prompts.steps, coefficients_.parts);
}

Result<SimulatedServer> SimulatedServers::of(const predict::Question& question) const {
  auto deployed = predict::deploy(question, *catalog_);
  if (!deployed) return fail(std::move(deployed).error());
  auto steps = perfmodel::compile_steps(tables_, *deployed->model, *deployed->accelerator,
                                        predict::memory_setup(*deployed));
  if (!steps) return fail(steps.error());
  for (double& nanos : steps->gemm) nanos *= deployed->gemm_factor;
  const double length = predict::input_tokens(question) + predict::output_tokens(question);
  const auto room = predict::kv_room(*deployed, *steps, length, question.answer_anyway);
  if (!room) return fail(room.error());

  SimulatedServer out{.replica = {},
                      .step_time = perfmodel::PartedStepTime(*steps, coefficients_.parts),
                      .by = by_,
                      .notes = std::move(deployed->notes)};
  out.replica.engine = predict::engine_of(
      *deployed, *room, deployed->model->max_position.value_or(workload::kMostTokens));
  out.replica.ranks = std::max(1, steps->data_ranks);
  out.replica.ranks_together = out.replica.ranks > 1 && deployed->expert > 1;
  out.replica.stages = std::max(1, steps->stages);
  const auto prompts = predict::prefill_side(
      *deployed, tables_, length, out.replica.engine.max_model_len, question.answer_anyway);
  if (!prompts) return fail(prompts.error());
  if (*prompts) apart(out, *deployed, **prompts);
  out.request_ms = coefficients_.extras[static_cast<std::size_t>(predict::Extra::Request)];
  out.token_ms =
      coefficients_.extras[static_cast<std::size_t>(predict::Extra::ThousandTokens)] / 1000;
  out.notes.insert(out.notes.end(), steps->extrapolated.begin(), steps->extrapolated.end());
  return out;
}

}  // namespace kneepoint::app
