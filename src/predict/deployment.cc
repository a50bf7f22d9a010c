#include "predict/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "perfmodel/memory.h"
#include "predict/server_settings.h"
#include "predict/substitute.h"

namespace kneepoint::predict {
namespace {

constexpr double kPromptBudget = 8192;  // tokens of a step, at least
constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr double kMostWeights = 0.95;  // share of the memory

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

sim::ServerRules rules_of(std::string_view server, std::string_view version) {
  if (contains(server, "tensorrt") || contains(server, "nim")) return sim::ServerRules::TensorRtLlm;
  if (contains(server, "sglang")) return sim::ServerRules::Sglang;
  // Before 0.6 prompts had steps of their own.
  const auto old = catalog::compare_versions(version, "0.6.0");
  if (server == "vllm" && !version.empty() && old && *old < 0) return sim::ServerRules::VllmV0;
  return sim::ServerRules::Vllm;
}

/// How the accelerators are shared out when nobody said so.
void split(Deployment& d, const Question& q) {
  const profile::ServingSetup& s = q.setup;
  d.accelerators =
      s.accelerator_count.value_or(s.tensor_parallel.value_or(1) * s.pipeline_parallel.value_or(1) *
                                   s.data_parallel.value_or(1));
  d.accelerators = std::clamp(d.accelerators, 1, 4096);
  const bool experts = d.model->experts.value_or(0) > 1;
  const bool clients = q.load_kind == curve::LoadKind::Concurrency;
  if (s.tensor_parallel && s.data_parallel) {
    d.tensor = *s.tensor_parallel;
    d.data = *s.data_parallel;
  } else if (s.tensor_parallel) {
    d.tensor = *s.tensor_parallel;
    d.data = std::max(1, d.accelerators / d.tensor / s.pipeline_parallel.value_or(1));
  } else {
    // The public launch scripts turn attention data parallelism on for many clients.
    d.split_guessed = d.accelerators > 1;
    const std::string_view type = d.model->model_type;
    const bool latent = contains(type, "deepseek");
    bool attention_dp = false;
    if (d.rules == sim::ServerRules::TensorRtLlm && latent && clients) {
      attention_dp =
          q.load >= 128 ||
          (contains(d.accelerator->id, "h200") && q.load >= 64 &&
           q.workload.input_tokens_nominal.value_or(0) > 4000) ||
          (d.accelerator->id == "nvidia-b200" && d.weight_precision == "fp4" && q.load >= 64);
    } else if (contains(type, "minimax") && clients) {
      attention_dp = q.load >= 256;
    }
    d.data = s.data_parallel.value_or(attention_dp ? d.accelerators : 1);
    d.tensor = std::max(1, d.accelerators / d.data / s.pipeline_parallel.value_or(1));
  }
  d.pipeline = s.pipeline_parallel.value_or(1);
  const int stated = d.tensor * d.pipeline * d.data;
  if (!s.accelerator_count) d.accelerators = stated;
  if (s.expert_parallel) {
    d.expert = *s.expert_parallel;
  } else {
    const bool spread = experts && (d.data > 1 || d.rules == sim::ServerRules::TensorRtLlm);
    d.expert = spread ? d.tensor * d.data : 1;
  }
  if (!experts) d.expert = 1;
}

/// The width, doubled until so many accelerators hold the weights: some sources count hosts where
/// they say accelerators.
int wide_enough(Deployment& d, int width) {
  const auto weights = perfmodel::weight_bytes(*d.model, d.weight_precision);
  const catalog::Accelerator& a = *d.accelerator;
  const double memory = a.mem_gib_usable.value_or(a.mem_gib_nominal.value_or(0)) * kGib;
  int out = width;
  while (weights && memory > 0 && out < 64 && *weights > kMostWeights * memory * out) out *= 2;
  if (out != width) {
    d.notes.push_back(
        fmt::format("{} {} cannot hold {}: workers of {} taken", width, a.id, d.model->id, out));
  }
  return out;
}

/// One worker of a role: as stated, and `otherwise` wide where nothing is.
Split worker(Deployment& d, const profile::Role& role, int otherwise) {
  const int stated = std::clamp(role.tensor_parallel.value_or(otherwise), 1, 1024);
  Split out;
  out.accelerators = wide_enough(d, stated);
  const bool attention_dp = role.attention_dp.value_or(false);
  out.tensor = attention_dp ? 1 : out.accelerators;
  out.data = attention_dp ? out.accelerators : 1;
  // Experts are shared out evenly whatever is stated: recipes of this kind balance them, and the
  // tables of expert parallelism are of its hottest rank.
  return out;
}

/// Workers for prompts and workers for answers, where the setup says how many of each.
void part(Deployment& d, const profile::ServingSetup& s) {
  if (!d.disaggregated || !s.prefill.workers || !s.decode.workers) return;
  d.prefill_workers = std::clamp(*s.prefill.workers, 1, 512);
  d.decode_workers = std::clamp(*s.decode.workers, 1, 512);
  const int workers = d.prefill_workers + d.decode_workers;
  // Alike, inside a host.
  const int otherwise = std::clamp(s.accelerator_count.value_or(8 * workers) / workers, 1, 8);
  d.split_guessed = !s.prefill.tensor_parallel || !s.decode.tensor_parallel;
  d.prefill = worker(d, s.prefill, otherwise);
  const Split decode = worker(d, s.decode, otherwise);
  d.accelerators = decode.accelerators;
  d.tensor = decode.tensor;
  d.pipeline = 1;
  d.data = decode.data;
  d.expert = decode.expert;
}

/// Limits of vLLM and of what is built like it.
void limits_of_vllm(Deployment& d, const Question& q, const ServerSettings& settings) {
  if (const auto text = settings.text({"max-num-batched-tokens"}); text && contains(*text, "ISL")) {
    d.token_budget = 2 * input_tokens(q);  // a launch script's formula
  }
  d.token_budget = settings.number({"max-num-batched-tokens"}).value_or(d.token_budget);
  d.utilization = settings.number({"gpu-memory-utilization"}).value_or(0.9);
  if (const auto most = settings.number({"max-num-seqs"}); most && *most >= 1) {
    // Scripts set it to the clients of a run, and one line of settings stands for all loads.
    const bool clients = q.load_kind == curve::LoadKind::Concurrency;
    d.max_sequences = clients ? std::max(*most, q.load) : *most;
  }
}

void limits_of_tensorrt(Deployment& d, const Question& q, const ServerSettings& settings) {
  const double input = q.workload.input_tokens_nominal.value_or(input_tokens(q));
  const auto stated = settings.number({"max-num-tokens"});
  d.token_budget = std::max(stated.value_or(8192), input + 64);
  if (contains(d.model->model_type, "deepseek") && !stated) {
    // The launch scripts size it to one prompt, but for the oldest of them.
    const bool oldest = contains(q.setup.model_server_version, "rc6");
    d.token_budget = std::max(input + 320, oldest ? 8192.0 : 0.0);
  }
  d.max_sequences = 2048;
  if (const auto most = settings.number({"max-batch-size"}); most && *most >= 1) {
    const bool yaml_only = !settings.has("max-batch-size");  // of the captured graphs, not a limit
    if (!yaml_only) d.max_sequences = std::max(*most, q.load / d.data);
  }
  d.utilization =
      settings.number({"free-gpu-memory-fraction", "kv-cache-free-gpu-mem-fraction"}).value_or(0.9);
  // It stands in the settings of all 70B recipes and acts in these.
  const bool acts = q.workload.input_tokens_nominal == 1024.0 &&
                    q.workload.output_tokens_nominal == 1024.0 && d.tensor < 8;
  if (const auto wait = settings.number({"batch-wait-timeout-iters"}); wait && acts) {
    d.hold_steps = *wait;
    d.hold_share = settings.number({"batch-wait-max-tokens-ratio"}).value_or(0.9);
  }
}

void limits_of_sglang(Deployment& d, const Question& q, const ServerSettings& settings) {
  d.token_budget = settings.number({"chunked-prefill-size"}).value_or(8192);
  if (d.token_budget <= 0) d.token_budget = 65'536;  // -1: not chunked
  d.utilization = settings.number({"mem-fraction-static"}).value_or(0.86);
  if (settings.text({"mem-fraction-static"}) == "$MEM_FRAC_STATIC") {
    d.utilization = settings.number({"var.mem-frac-static"}).value_or(d.utilization);
  }
  const auto most = settings.number({"max-running-requests"});
  // A limit far below the clients is that of another run of the same script.
  if (most && *most >= 1 && (*most >= q.load || *most >= 64)) d.max_sequences = *most;
}

/// Its dense per-tensor fp8 products are faster than the published tables, which are vLLM's.
/// Checkpoints of other families are scaled by block.
void products_of(Deployment& d) {
  const bool per_tensor = d.weight_precision == "fp8" && d.model->model_type == "llama";
  if (d.rules == sim::ServerRules::TensorRtLlm && per_tensor) d.gemm_factor = 0.85;
}

void cache_of(Deployment& d, const Question& q, const ServerSettings& settings) {
  d.kv_precision = q.setup.kv_precision;
  if (d.kv_precision.empty()) {
    if (const auto stated = settings.text({"kv-cache-dtype"}); stated && *stated != "auto") {
      d.kv_precision = *stated;
    } else if (d.rules == sim::ServerRules::TensorRtLlm && d.weight_precision == "fp8") {
      d.kv_precision = "fp8";
    } else if (d.rules != sim::ServerRules::TensorRtLlm && d.weight_precision == "fp4" &&
               d.model->model_type != "gpt_oss" && d.server == "vllm") {
      // NVFP4 checkpoints say fp8 of their cache, and vLLM does as they say.
      d.kv_precision = "fp8";
    }
  }
  if (const auto blocks = settings.number({"gpu-kv-blocks", "num-gpu-blocks-override"});
      blocks && *blocks >= 1) {
    d.kv_tokens = *blocks * 16;
  }
}

/// SGLang sends tokens in chunks where a recipe says so; TTFT grows by two thirds of one.
void stream_of(Deployment& d, const Question& q, const ServerSettings& settings) {
  if (d.rules != sim::ServerRules::Sglang) return;
  const bool recipes = q.measured_by == "inferencex_via_aiconfigurator";
  const double interval = settings.number({"stream-interval"}).value_or(recipes ? 30 : 1);
  if (interval > 1) d.first_chunk_tokens = std::min(interval, 100.0) * 2 / 3;
}

bool drafts(std::string_view how) {
  return !how.empty() && how != "none" && how != "unknown" && how != "likely_none";
}

}  // namespace

double input_tokens(const Question& question) {
  const profile::Workload& w = question.workload;
  const double tokens = w.input_tokens_mean.value_or(w.input_tokens_nominal.value_or(0));
  if (tokens >= 1) return tokens;
  // Means of the data sets of MLPerf, from memory, not verified: their logs hold none.
  if (contains(w.name, "openorca24576")) return 294;
  if (contains(w.name, "openorca+gsm8k")) return 200;
  if (contains(w.name, "cnn-dailymail")) return 778;
  if (contains(w.name, "longbench")) return 9400;
  if (contains(w.name, "reasoning4388")) return 800;
  if (contains(w.name, "gpt-oss-perf")) return 700;
  return contains(w.name, "sharegpt") ? 220 : 512;
}

double output_tokens(const Question& question) {
  const profile::Workload& w = question.workload;
  const double tokens = w.output_tokens_mean.value_or(w.output_tokens_nominal.value_or(0));
  return tokens >= 1 ? tokens : 200;
}

Result<Deployment> deploy(const Question& question, const catalog::Catalog& catalog) {
  Deployment d;
  const profile::ServingSetup& setup = question.setup;
  const auto model = find_model(catalog, setup.model);
  const auto accelerator = find_accelerator(catalog, setup.accelerator);
  if (model.row == nullptr || accelerator.row == nullptr) {
    return fail(ErrorCode::NotFound, "the catalog has no models or no accelerators");
  }
  if (!model.exact && !model.alike && !question.answer_anyway) {
    return fail(ErrorCode::NotFound,
                fmt::format("model '{}' is not in the catalog; add its row to the models table of "
                            "your own catalog folder, or ask for {}",
                            setup.model, model.row->id));
  }
  if (!accelerator.exact && !question.answer_anyway) {
    return fail(ErrorCode::NotFound,
                fmt::format("accelerator '{}' is not in the catalog; is it {}?", setup.accelerator,
                            accelerator.row->id));
  }
  d.model = model.row;
  d.accelerator = accelerator.row;
  for (const std::string* note : {&model.note, &accelerator.note}) {
    if (!note->empty()) d.notes.push_back(*note);
  }
  d.stood_in = !accelerator.exact || (!model.exact && !model.alike);
  d.server = lower(setup.model_server);
  d.rules = rules_of(d.server, setup.model_server_version);
  d.weight_precision = lower(setup.weight_precision);
  d.disaggregated = setup.decoding == "disaggregated";
  d.speculative = setup.decoding == "speculative" || drafts(setup.speculative_decoding);
  split(d, question);
  part(d, setup);

  const ServerSettings settings(setup.server_settings);
  switch (d.rules) {
    case sim::ServerRules::TensorRtLlm:
      limits_of_tensorrt(d, question, settings);
      break;
    case sim::ServerRules::Sglang:
      limits_of_sglang(d, question, settings);
      break;
    default:
      limits_of_vllm(d, question, settings);
      break;
  }
  cache_of(d, question, settings);
  products_of(d);
  d.token_budget = std::clamp(d.token_budget, 64.0, 1e6);
  d.max_sequences = std::clamp(d.max_sequences, 1.0, 4096.0);
  d.utilization = std::clamp(d.utilization, 0.05, 1.0);
  stream_of(d, question, settings);
  d.ttft_limit_ms = settings.number({"ttft-limit-ms"});
  d.tpot_limit_ms = settings.number({"tpot-limit-ms"});
  if (question.measured_by == "inferencex_via_aiconfigurator" && question.load == 512 &&
      d.model->model_type == "gpt_oss" && d.accelerator->id == "nvidia-h100-80gb" &&
      (setup.model_server_version.empty() || setup.model_server_version == "0.11.2")) {
    // Of these 512 clients about 96 were in flight (data_rules.cc).
    d.max_sequences = 96;
  }
  if (d.split_guessed) {
    d.notes.push_back(fmt::format("split of {} accelerators not stated: tensor {}, data {}",
                                  d.accelerators, d.tensor, d.data));
  }
  if (d.disaggregated && !d.prefill) {
    d.notes.emplace_back("disaggregated, workers not stated: as one deployment");
  }
  return d;
}

Deployment prefill_worker(const Deployment& deployment) {
  Deployment out = deployment;
  const Split split = deployment.prefill.value_or(Split());
  out.accelerators = split.accelerators;
  out.tensor = split.tensor;
  out.pipeline = split.pipeline;
  out.data = split.data;
  out.expert = split.expert;
  out.prefill.reset();
  out.speculative = false;
  // Servers that do nothing else take several prompts at a time.
  out.token_budget = std::max(out.token_budget, kPromptBudget);
  return out;
}

}  // namespace kneepoint::predict
