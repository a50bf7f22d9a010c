#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "manifest/manifest.h"

/// A whole case for the tests of manifests.
namespace kneepoint::manifest::testing {

struct Case {
  Request request;
  Facts facts;
};

// Rows as in the shipped catalog, written out so that a new catalog row changes no test here.

inline catalog::Model gpt_oss_20b() {
  catalog::Model m;
  m.id = "openai/gpt-oss-20b";
  m.model_type = "gpt_oss";
  m.layers = 24;
  m.hidden = 2880;
  m.heads = 64;
  m.kv_heads = 8;
  m.head_dim = 64;
  m.vocab = 201088;
  m.max_position = 131072;
  m.tie_embeddings = false;
  m.window = 128;
  m.windowed_layers = 12;
  m.experts = 32;
  m.moe_intermediate = 2880;
  m.dense_layers = 0;
  m.quantization = "mxfp4";
  m.weight_bits = 4;
  m.params_b = 20.908;
  m.complete = true;
  m.gated = false;
  return m;
}

inline catalog::Model llama_70b() {
  catalog::Model m;
  m.id = "meta-llama/Llama-3.3-70B-Instruct";
  m.model_type = "llama";
  m.layers = 80;
  m.hidden = 8192;
  m.heads = 64;
  m.kv_heads = 8;
  m.head_dim = 128;
  m.vocab = 128256;
  m.max_position = 131072;
  m.tie_embeddings = false;
  m.dtype = "bfloat16";
  m.weight_bits = 16;
  m.params_b = 70.552;
  m.complete = true;
  m.gated = true;
  m.licence_url = "https://huggingface.co/meta-llama/Llama-3.3-70B-Instruct";
  return m;
}

inline catalog::Accelerator h100() {
  catalog::Accelerator a;
  a.id = a.gke_label = "nvidia-h100-80gb";
  a.vendor = "nvidia";
  a.kind = "gpu";
  a.compute_capability = "9.0";
  a.mem_gib_nominal = 80;
  a.mem_gib_usable = 79.2;
  a.max_per_host = 8;
  a.bf16 = true;
  return a;
}

inline catalog::Accelerator t4() {
  catalog::Accelerator a = h100();
  a.id = a.gke_label = "nvidia-tesla-t4";
  a.compute_capability = "7.5";
  a.mem_gib_nominal = 16;
  a.mem_gib_usable = 14.6;
  a.bf16 = false;
  return a;
}

inline Facts vllm(const std::string& version) {
  const bool old = catalog::compare_versions(version, "0.8.0").value() < 0;
  Facts facts;
  facts.model = gpt_oss_20b();
  facts.accelerator = h100();
  facts.version = version;
  facts.image = "vllm/vllm-openai:v" + version;
  auto& server = facts.server;
  server.name = "vllm";
  server.command = "python3 -m vllm.entrypoints.openai.api_server";
  server.model_flag = "--model";
  server.port = server.metrics_port = 8000;
  server.health_path = server.readiness_path = "/health";
  server.metrics_path = "/metrics";
  server.image_repository = "vllm/vllm-openai";
  server.status = "active";
  const auto flag = [&](const char* purpose, const char* name, const char* form = "value",
                        const char* fallback = "") {
    catalog::ServerFlag row;
    row.server = "vllm";
    row.purpose = purpose;
    row.flag = name;
    row.form = form;
    row.default_value = fallback;
    facts.flags[purpose] = row;
  };
  flag("host", "--host");
  flag("port", "--port");
  flag("model", "--model");
  flag("served_model_name", "--served-model-name");
  flag("tensor_parallel", "--tensor-parallel-size");
  flag("pipeline_parallel", "--pipeline-parallel-size");
  flag("data_parallel", "--data-parallel-size");
  flag("expert_parallel", "--enable-expert-parallel", "switch");
  flag("max_model_len", "--max-model-len");
  flag("gpu_memory_utilization", "--gpu-memory-utilization");
  flag("max_num_seqs", "--max-num-seqs");
  flag("kv_cache_dtype", "--kv-cache-dtype");
  flag("dtype", "--dtype");
  flag("quantization", "--quantization");
  flag("executor_backend", "--distributed-executor-backend");
  if (catalog::compare_versions(version, "0.12.0").value() >= 0) {
    flag("nnodes", "--nnodes");
    flag("node_rank", "--node-rank");
    flag("master_addr", "--master-addr");
    flag("headless", "--headless", "switch");
  }
  if (old) {
    flag("swap_space", "--swap-space", "value", "4");
    flag("disable_log_requests", "--disable-log-requests", "switch");
  }
  const auto metric = [&](const char* signal, const char* series) {
    facts.metrics[signal].series = series;
    facts.metrics[signal].scale = "1";
  };
  metric("waiting", "vllm:num_requests_waiting");
  metric("running", "vllm:num_requests_running");
  metric("kv_cache_usage", catalog::compare_versions(version, "0.9.2").value() < 0
                               ? "vllm:gpu_cache_usage_perc"
                               : "vllm:kv_cache_usage_perc");
  metric("ttft", "vllm:time_to_first_token_seconds");
  return facts;
}

inline catalog::Model deepseek_r1() {
  catalog::Model m;
  m.id = "deepseek-ai/DeepSeek-R1";
  m.model_type = "deepseek_v3";
  m.layers = 61;
  m.hidden = 7168;
  m.intermediate = 18432;
  m.heads = m.kv_heads = 128;
  m.head_dim = 56;
  m.vocab = 129280;
  m.max_position = 163840;
  m.tie_embeddings = false;
  m.experts = 256;
  m.experts_per_token = 8;
  m.moe_intermediate = 2048;
  m.shared_expert_intermediate = 2048;
  m.dense_layers = 3;
  m.q_lora = 1536;
  m.kv_lora = 512;
  m.qk_nope = 128;
  m.qk_rope = 64;
  m.v_head = 128;
  m.dtype = "bfloat16";
  m.quantization = "fp8";
  m.weight_bits = 8;
  m.params_b = 671.025;
  m.complete = true;
  m.gated = false;
  return m;
}

inline catalog::Machine machine(const std::string& name, double count, double vcpu, double gib) {
  catalog::Machine out;
  out.provider = "gcp";
  out.machine_type = name;
  out.accelerator = "nvidia-h100-80gb";
  out.accelerator_count = count;
  out.vcpu = vcpu;
  out.mem_gib = gib;
  out.arch = "amd64";
  return out;
}

/// Rows as in the shipped catalog: a model of 8 billion weights in 16 bits on one H100, vLLM, and a
/// curve with its operating point at 32 requests at once.
inline Case llama_8b(Autoscaler by, const std::string& version = "0.19.0") {
  Case c{{}, vllm(version)};
  c.facts.model = catalog::Model();
  catalog::Model& m = c.facts.model;
  m.id = "meta-llama/Llama-3.1-8B-Instruct";
  m.model_type = "llama";
  m.layers = 32;
  m.hidden = 4096;
  m.heads = 32;
  m.kv_heads = 8;
  m.head_dim = 128;
  m.vocab = 128256;
  m.max_position = 131072;
  m.tie_embeddings = false;
  m.dtype = "bfloat16";
  m.weight_bits = 16;
  m.params_b = 8.03;
  m.complete = true;
  m.gated = false;
  c.request.model = m.id;
  c.request.accelerator = c.facts.accelerator.id;
  c.request.generated_on = *parse_date("2026-11-21");
  c.request.replicas = 2;
  c.request.autoscaling.by = by;
  c.request.autoscaling.target = "TTFT p50 <= 300 ms";
  ReplicaPoint point;
  point.running = 32;
  point.running_from = "clients in flight there";
  point.rates = {{1, 0.5}, {8, 3}, {16, 5}, {32, 8}, {64, 10}};
  point.tokens_per_request = 1536;
  c.request.autoscaling.point = point;
  return c;
}

/// DeepSeek-R1 on two hosts of eight H100.
inline Case r1_on_two_hosts(const std::string& version = "0.19.0",
                            Autoscaler by = Autoscaler::None) {
  Case c = llama_8b(by, version);
  c.facts.model = deepseek_r1();
  c.facts.host = machine("a3-highgpu-8g", 8, 208, 1872);
  c.facts.host->gpudirect = "tcpx";
  c.facts.machines = {*c.facts.host};
  c.request.model = c.facts.model.id;
  c.request.accelerators_per_replica = 16;
  return c;
}

inline Manifest made(const Case& c) {
  auto manifest = create(c.request, c.facts);
  EXPECT_TRUE(manifest) << manifest.error().message;
  return manifest ? *manifest : Manifest{};
}

inline std::vector<std::string> kinds(const Manifest& manifest) {
  std::vector<std::string> out;
  for (const auto& object : manifest.objects) out.push_back(object.kind);
  return out;
}

}  // namespace kneepoint::manifest::testing
