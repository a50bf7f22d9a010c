#include "app/setup_question.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/predicted_rows.h"
#include "base/text.h"
#include "profile/predicted_table.h"

namespace kneepoint::app {
namespace {

tl::unexpected<Error> unknown(std::string_view what, const std::string& name,
                              const std::vector<std::string>& known) {
  const auto close = nearest(name, known);
  return fail(ErrorCode::NotFound,
              fmt::format("unknown {} '{}'{}", what, name.substr(0, 200),
                          close.empty() ? "" : "; did you mean " + join(close, ", ") + "?"));
}

/// Prompts and answers on workers of their own.
Result<void> read_roles(const SetupWords& words, profile::ServingSetup& s) {
  s.prefill.workers = words.prefill_workers;
  s.decode.workers = words.decode_workers;
  if (!s.prefill.workers && !s.decode.workers) {
    if (!words.prefill_tensor && !words.decode_tensor && !words.attention_dp) return {};
    return fail(ErrorCode::InvalidArgument,
                "tensor parallelism of prefill or decode workers and data-parallel attention need "
                "the numbers of prefill and decode workers");
  }
  if (!s.prefill.workers || !s.decode.workers) {
    return fail(ErrorCode::InvalidArgument,
                "prefill workers and decode workers go together: give both numbers");
  }
  if (words.tensor || words.pipeline || words.data || words.expert || words.accelerators) {
    return fail(ErrorCode::InvalidArgument,
                "parallelism and the number of accelerators are of one deployment: with prefill "
                "workers give the tensor parallelism of each role");
  }
  const int fewest = s.accelerator_count.value_or(1);
  s.prefill.tensor_parallel = words.prefill_tensor.value_or(fewest);
  s.decode.tensor_parallel = words.decode_tensor.value_or(*s.prefill.tensor_parallel);
  s.prefill.attention_dp = s.decode.attention_dp = words.attention_dp;
  s.accelerator_count = *s.prefill.workers * *s.prefill.tensor_parallel +
                        *s.decode.workers * *s.decode.tensor_parallel;
  s.tensor_parallel.reset();
  s.pipeline_parallel.reset();
  s.decoding = "disaggregated";
  return {};
}

/// How a replica is split, where the words leave it open.
void read_split(const SetupWords& words, const catalog::Model& model,
                const catalog::Accelerator& accelerator, profile::ServingSetup& s) {
  s.tensor_parallel = words.tensor;
  s.pipeline_parallel = words.pipeline;
  s.data_parallel = words.data;
  s.expert_parallel = words.expert;
  s.accelerator_count = words.accelerators;
  if (!s.tensor_parallel && !s.pipeline_parallel && !s.data_parallel && !s.accelerator_count) {
    if (const auto least = fewest(model, accelerator)) {
      s.accelerator_count = least->accelerators;
      s.tensor_parallel = least->tensor;
      if (least->pipeline > 1) s.pipeline_parallel = least->pipeline;
    }
  } else if (!s.accelerator_count) {
    s.accelerator_count = s.tensor_parallel.value_or(1) * s.pipeline_parallel.value_or(1) *
                          s.data_parallel.value_or(1);
  } else if (!s.tensor_parallel) {
    s.tensor_parallel = std::max(
        1, *s.accelerator_count / (s.pipeline_parallel.value_or(1) * s.data_parallel.value_or(1)));
  }
}

}  // namespace

Result<predict::Question> question_of(const catalog::Catalog& catalog, const SetupWords& words) {
  const catalog::Model* model = catalog.model(words.model);
  if (model == nullptr) {
    std::vector<std::string> names;
    for (const catalog::Model& one : catalog.models()) names.push_back(one.id);
    auto error = unknown("model", words.model, names);
    error.value().message += "; 'kneepoint models add' adds one from its config.json";
    return error;
  }
  const catalog::Accelerator* accelerator = catalog.accelerator(words.accelerator);
  if (accelerator == nullptr) {
    std::vector<std::string> names;
    for (const catalog::Accelerator& one : catalog.accelerators()) names.push_back(one.id);
    return unknown("accelerator", words.accelerator, names);
  }
  predict::Question out;
  profile::ServingSetup& s = out.setup;
  s.model = words.model;
  s.accelerator = words.accelerator;
  s.model_server = words.model_server;
  s.model_server_version = words.model_server_version;
  if (s.model_server_version.size() > 1 && s.model_server_version[0] == 'v' &&
      s.model_server_version[1] >= '0' && s.model_server_version[1] <= '9') {
    s.model_server_version.erase(0, 1);
  }
  read_split(words, *model, *accelerator, s);
  if (auto roles = read_roles(words, s); !roles) return fail(std::move(roles).error());
  s.weight_precision =
      words.weight_precision.empty() ? checkpoint_precision(*model) : words.weight_precision;
  s.kv_precision = words.kv_precision;
  s.server_settings = words.server_settings;
  if (s.decoding.empty()) s.decoding = "serving";
  s.speculative_decoding = "none";
  out.workload = profile::fixed_lengths(words.input_tokens, words.output_tokens);
  return out;
}

}  // namespace kneepoint::app
