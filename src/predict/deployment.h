#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "predict/prediction.h"
#include "sim/scheduling.h"

namespace kneepoint::predict {

/// How one worker is split over its accelerators.
struct Split {
  int accelerators = 1, tensor = 1, pipeline = 1, data = 1, expert = 1;
};

/// A serving setup with nothing left open: every limit has the value that the server would use.
/// The rules and their reasons: docs/predict.md.
struct Deployment {
  const catalog::Model* model = nullptr;
  const catalog::Accelerator* accelerator = nullptr;
  std::string server;  // "vllm", "sglang+atom" ... as asked, lower case
  sim::ServerRules rules = sim::ServerRules::Vllm;

  int accelerators = 1, tensor = 1, pipeline = 1, data = 1, expert = 1;
  bool split_guessed = false;
  /// Prompts are computed on workers of their own: then all else here is that of one worker that
  /// decodes.
  std::optional<Split> prefill;
  int prefill_workers = 1, decode_workers = 1;
  std::string weight_precision, kv_precision;

  double token_budget = 8192, max_sequences = 1024;  // of one data-parallel rank
  double utilization = 0.9;
  double hold_steps = 0, hold_share = 0.9;  // sim::Scheduling
  double gemm_factor = 1;                   // of dense products, over the kernel tables
  double first_chunk_tokens = 0;            // decoded before the first is seen by a client
  /// The load was chosen so that the 99th percentiles stay below these.
  std::optional<double> ttft_limit_ms, tpot_limit_ms;
  std::optional<double> kv_tokens;  // of one rank, as the server itself said
  bool speculative = false, disaggregated = false;
  bool stood_in = false;  // model or accelerator is not that of the question

  std::vector<std::string> notes;  // what stands for something else, what was guessed
};

/// Errors as of Predictor::predict(); with Question::answer_anyway only an empty catalog is one.
Result<Deployment> deploy(const Question& question, const catalog::Catalog& catalog);

/// Of a deployment with `prefill`: one of the workers that compute prompts, as a deployment.
Deployment prefill_worker(const Deployment& deployment);

/// The tokens of a question: means if stated, nominal lengths else, a usual chat without both.
double input_tokens(const Question& question);
double output_tokens(const Question& question);

}  // namespace kneepoint::predict
