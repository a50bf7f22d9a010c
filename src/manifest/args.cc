#include "manifest/args.h"

#include <optional>
#include <string_view>

#include "base/text.h"
#include "manifest/gguf.h"
#include "manifest/storage.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

/// Builds the argument list from purposes; what a version has no option for becomes a remark.
class Arguments {
 public:
  Arguments(const Facts& facts, StartCommand& out) : facts_(facts), out_(out) {}

  bool knows(const std::string& purpose) const { return facts_.flags.contains(purpose); }

  void give(const std::string& purpose, std::string_view value) {
    const auto found = facts_.flags.find(purpose);
    if (found == facts_.flags.end()) {
      out_.remarks.push_back(facts_.server.name + " " + facts_.version +
                             " has no known option for " + purpose + "; " + std::string(value) +
                             " is not set");
      return;
    }
    put(found->second.flag, found->second.form == "switch" ? std::nullopt : std::optional(value));
  }

  void give_if_known(const std::string& purpose, std::string_view value) {
    if (knows(purpose)) give(purpose, value);
  }

  void put(const std::string& flag, std::optional<std::string_view> value) {
    if (!value) {
      out_.args.push_back(flag);
    } else if (flag.starts_with("--")) {
      out_.args.push_back(flag + "=" + std::string(*value));
    } else {
      out_.args.push_back(flag);
      out_.args.emplace_back(*value);
    }
  }

 private:
  const Facts& facts_;
  StartCommand& out_;
};

Result<void> can_start(const Facts& facts) {
  const auto& server = facts.server;
  std::vector<std::string> missing;
  if (server.command.empty()) missing.emplace_back("its start command");
  if (facts.image.empty()) missing.push_back("an image of version " + shown(facts.version));
  if (!server.port) missing.emplace_back("its port");
  if (server.health_path.empty()) missing.emplace_back("its health path");
  // Positional models are described by the whole row, not by the absence of one cell.
  if (server.model_flag.empty() && server.name != "tensorrt-llm" && !loads_gguf(server))
    missing.emplace_back("how it is told the model");
  if (!missing.empty())
    return fail(ErrorCode::Unsatisfiable, "no manifest for " + server.name +
                                              ": the catalog does not know " + join(missing, ", "));
  return {};
}

bool needs_half(const Facts& facts) {
  const auto capability = parse_number(facts.accelerator.compute_capability);
  const bool no_bf16 =
      facts.accelerator.bf16 ? !*facts.accelerator.bf16 : capability && *capability < 8;
  return no_bf16 && facts.model.dtype == "bfloat16";
}

/// Servers spell the 8-bit cache differently.
std::string cache_type(const Facts& facts, const std::string& precision) {
  std::string name = lower(precision);
  if (name == "fp8" && facts.server.name == "sglang") return "fp8_e4m3";
  if (name == "fp8" && facts.server.name == "tgi") return "fp8_e4m3fn";
  return name;
}

bool is_16_bit(const std::string& precision) {
  const std::string name = lower(precision);
  return name.empty() || name == "auto" || name == "bf16" || name == "bfloat16" || name == "fp16" ||
         name == "float16" || name == "half";
}

/// A server on TPU counts the devices of a chip; everything else counts chips.
int devices_per_chip(const Facts& facts) {
  return facts.accelerator.kind == "tpu"
             ? static_cast<int>(facts.accelerator.devices_per_chip.value_or(1))
             : 1;
}

}  // namespace

Result<StartCommand> start_command(const Request& request, const Facts& facts, const Plan& plan) {
  if (auto ok = can_start(facts); !ok) return fail(ok.error());
  if (loads_gguf(facts.server)) return start_gguf(request, facts, plan);
  StartCommand out;
  for (const auto word : split(facts.server.command, ' ')) out.command.emplace_back(word);
  Arguments args(facts, out);

  const std::string model = std::string("$(") + kModelVariable + ")";
  if (facts.server.model_flag.empty())
    out.args.push_back(model);
  else
    args.put(facts.server.model_flag, model);
  // A folder says nothing of the model: clients still ask for it by its name.
  if (!from_hugging_face(request))
    args.give_if_known("served_model_name", request.model);
  else if (!request.checkpoint.empty() && request.checkpoint != request.model)
    args.give("served_model_name", request.model);
  args.give_if_known("host", "0.0.0.0");
  args.give_if_known("port", std::to_string(*facts.server.port));

  const auto& split = plan.split;
  // SGLang splits experts over data-parallel ranks only in data-parallel attention, which it counts
  // inside the tensor group; without it, data parallel is a number of whole copies.
  const bool inside = facts.server.name == "sglang" && split.data_parallel > 1 &&
                      facts.model.experts.value_or(0) > 0;
  if (inside && !args.knows("dp_attention"))
    return fail(
        ErrorCode::Unsatisfiable,
        "no manifest for sglang with data-parallel attention: the catalog does not know the "
        "option of purpose dp_attention");
  if (split.accelerators > 1 || args.knows("tensor_parallel"))
    args.give("tensor_parallel",
              std::to_string(split.tensor_parallel * (inside ? split.data_parallel : 1) *
                             devices_per_chip(facts)));
  if (inside) args.give("dp_attention", "");
  if (split.pipeline_parallel > 1)
    args.give("pipeline_parallel", std::to_string(split.pipeline_parallel));
  if (split.data_parallel > 1) args.give("data_parallel", std::to_string(split.data_parallel));
  if (split.expert_parallel > 1)
    args.give("expert_parallel", std::to_string(split.expert_parallel));

  if (plan.max_model_len) args.give("max_model_len", std::to_string(*plan.max_model_len));
  // vLLM's default share changed between versions, so it is always stated. In TensorRT-LLM the
  // option of this purpose is a share of what the weights leave, another quantity.
  const bool share_of_all = facts.server.name != "tensorrt-llm";
  if (request.memory_utilization || facts.server.name.starts_with("vllm")) {
    if (share_of_all)
      args.give("gpu_memory_utilization", shortest(split.utilization));
    else
      out.remarks.emplace_back("the memory share asked for is not set: " + facts.server.name +
                               " counts a share of what the weights leave");
  }
  if (request.max_num_seqs) args.give("max_num_seqs", std::to_string(*request.max_num_seqs));
  if (request.max_num_batched_tokens)
    args.give("max_num_batched_tokens", std::to_string(*request.max_num_batched_tokens));
  if (needs_half(facts)) args.give("dtype", "half");
  if (!is_16_bit(request.kv_precision))
    args.give("kv_cache_dtype", cache_type(facts, request.kv_precision));
  // A quantised checkpoint says so itself; only quantising while loading has to be asked for.
  const bool on_the_fly = facts.checkpoint_known && facts.model.weight_bits == 16 &&
                          !is_16_bit(request.weight_precision);
  if (on_the_fly) args.give("quantization", lower(request.weight_precision));
  if (plan.swap_gib_per_accelerator > 0)
    args.give("swap_space", std::to_string(plan.swap_gib_per_accelerator));
  args.give_if_known("disable_log_requests", "");  // prompts stay out of the logs
  // trtllm-serve has metrics only when its file of options says so.
  if (args.knows("config_file")) {
    args.give("config_file", std::string(kConfigFolder) + "/" + kConfigFile);
    out.config = "return_perf_metrics: true\n";
  }
  if (facts.server.metrics_enable.starts_with("-")) out.args.push_back(facts.server.metrics_enable);
  return out;
}

}  // namespace kneepoint::manifest
