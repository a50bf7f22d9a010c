#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "manifest/manifest.h"

/// A whole case for the tests of manifests.
namespace kneepoint::manifest::testing {

struct Case {
  Request request;
  Facts facts;
};

/// Rows as in the shipped catalog: a model of 8 billion weights in 16 bits on one H100, vLLM, and a
/// curve with its operating point at 32 requests at once.
inline Case llama_8b(Autoscaler by, const std::string& version = "0.19.0") {
  Case c;
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
  catalog::Accelerator& a = c.facts.accelerator;
  a.id = a.gke_label = "nvidia-h100-80gb";
  a.vendor = "nvidia";
  a.kind = "gpu";
  a.compute_capability = "9.0";
  a.mem_gib_nominal = 80;
  a.mem_gib_usable = 79.2;
  a.max_per_host = 8;
  a.bf16 = true;
  c.facts.version = version;
  c.facts.image = "vllm/vllm-openai:v" + version;
  auto& server = c.facts.server;
  server.name = "vllm";
  server.command = "python3 -m vllm.entrypoints.openai.api_server";
  server.model_flag = "--model";
  server.port = server.metrics_port = 8000;
  server.health_path = server.readiness_path = "/health";
  server.metrics_path = "/metrics";
  for (const auto& [purpose, name] : {std::pair{"host", "--host"},
                                      {"port", "--port"},
                                      {"tensor_parallel", "--tensor-parallel-size"},
                                      {"max_model_len", "--max-model-len"},
                                      {"gpu_memory_utilization", "--gpu-memory-utilization"}}) {
    c.facts.flags[purpose].flag = name;
    c.facts.flags[purpose].form = "value";
  }
  const auto metric = [&](const char* signal, const char* series) {
    c.facts.metrics[signal].series = series;
    c.facts.metrics[signal].scale = "1";
  };
  metric("waiting", "vllm:num_requests_waiting");
  metric("running", "vllm:num_requests_running");
  metric("kv_cache_usage",
         version == "0.9.1" ? "vllm:gpu_cache_usage_perc" : "vllm:kv_cache_usage_perc");

  c.request.model = m.id;
  c.request.accelerator = a.id;
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
