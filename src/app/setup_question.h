#pragma once

#include <optional>
#include <string>

#include "catalog/catalog.h"
#include "predict/prediction.h"

namespace kneepoint::app {

/// A serving setup and lengths as a user says them. Empty: as is usual.
struct SetupWords {
  std::string model, accelerator;  // both needed
  std::string model_server = "vllm", model_server_version;
  std::optional<int> accelerators, tensor, pipeline, data, expert;
  /// Prompts and answers on workers of their own: both counts or none.
  std::optional<int> prefill_workers, prefill_tensor, decode_workers, decode_tensor;
  bool attention_dp = false;
  std::string weight_precision;  // the checkpoint's
  std::string kv_precision, server_settings;
  double input_tokens = 1024, output_tokens = 1024;
};

/// As a question without a load. Without any parallelism the fewest accelerators that hold the
/// model. NotFound: the model or accelerator is unknown; InvalidArgument: what does not go
/// together.
Result<predict::Question> question_of(const catalog::Catalog& catalog, const SetupWords& words);

}  // namespace kneepoint::app
