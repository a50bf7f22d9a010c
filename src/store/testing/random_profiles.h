#pragma once

#include <array>
#include <random>
#include <string>
#include <vector>

#include "profile/profile.h"

/// Profiles for tests and benchmarks, shaped like the published ones: four points each on average,
/// some statistics missing, evidence texts of usual length. The same seed gives the same profiles.
namespace kneepoint::store {

class RandomProfiles {
 public:
  explicit RandomProfiles(unsigned seed) : random_(seed) {}

  profile::Profile next() {
    profile::Profile p;
    p.id = "g-" + std::to_string(1'000'000 + number_++);
    p.series_id = "series-" + p.id;
    p.curve_id = "curve-" + p.id;
    p.setup = {.model = "vendor/Model-" + std::to_string(below(60)) + "-Instruct",
               .checkpoint = "vendor/checkpoint-" + std::to_string(below(90)),
               .model_server = pick({"vllm", "sglang", "tensorrt-llm"}),
               .model_server_version = "0." + std::to_string(below(12)),
               .container_image = maybe(0.3) ? "registry/image:tag" : "",
               .serving_stack = maybe(0.2) ? "llm-d" : "",
               .serving_stack_version = {},
               .accelerator = pick({"nvidia-h100-80gb", "nvidia-b200", "nvidia-l4", "tpu-v6e"}),
               .accelerator_count = 1 << below(4),
               .tensor_parallel = 1 << below(4),
               .pipeline_parallel = {},
               .data_parallel = {},
               .expert_parallel = optional_int(),
               .weight_precision = pick({"fp8", "bf16", "fp4"}),
               .kv_precision = maybe(0.5) ? "fp8" : "",
               .decoding = pick({"serving", "speculative", "disaggregated"}),
               .speculative_decoding = pick({"none", "mtp", "eagle3"}),
               .prefill = {.workers = optional_int(),
                           .tensor_parallel = optional_int(),
                           .expert_parallel = {},
                           .attention_dp = maybe(0.2) ? std::optional(maybe(0.5)) : std::nullopt},
               .decode = {},
               .topology_from = "matched to the public recipe",
               .recorded_topology = {},
               .server_settings = "max-num-seqs=256;gpu-memory-utilization=0.9"};
    const double input = 128 << below(6), output = 128 << below(5);
    p.workload = {.name = "random:" + std::to_string(static_cast<int>(input)),
                  .input_tokens_nominal = input,
                  .output_tokens_nominal = output,
                  .input_tokens_mean = maybe(0.5) ? std::optional(input * 0.9) : std::nullopt,
                  .output_tokens_mean = {}};
    p.load_kind = static_cast<curve::LoadKind>(below(3));
    p.evidence = {.kind = static_cast<profile::EvidenceKind>(below(3)),
                  .source = "source " + std::to_string(below(5)),
                  .licence = "Apache-2.0"};
    const int points = 1 + below(7);
    for (int i = 0; i < points; ++i) p.points.push_back(point(1 << i, p.id));
    if (p.evidence.kind == profile::EvidenceKind::Predicted) predict(p);
    return p;
  }

  std::vector<profile::Profile> take(int count) {
    std::vector<profile::Profile> all;
    for (int i = 0; i < count; ++i) all.push_back(next());
    return all;
  }

  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  bool maybe(double chance) { return uniform() < chance; }
  double uniform() { return static_cast<double>(random_()) / 4294967296.0; }

 private:
  std::string pick(std::initializer_list<const char*> from) {
    return from.begin()[below(static_cast<int>(from.size()))];
  }
  std::optional<int> optional_int() { return maybe(0.3) ? std::optional(below(9)) : std::nullopt; }

  profile::Point point(double load, const std::string& of) {
    profile::Point point;
    point.at.load = load;
    if (maybe(0.9)) point.at.requests_per_second = load * uniform();
    point.at.output_tokens_per_second = load * 40 * (1 + uniform());
    if (maybe(0.5)) point.at.input_tokens_per_second = load * 80;
    for (metrics::Metric m : metrics::kMetrics) {
      if (m == metrics::Metric::Itl && maybe(0.5)) continue;
      for (metrics::Statistic s : metrics::kStatistics)
        if (maybe(0.6)) point.at.latency.set(m, s, 20 + load * 30 * uniform());
    }
    point.id = "p-" + of + "-" + std::to_string(static_cast<int>(load));
    if (maybe(0.3)) point.request_count = below(1000);
    if (maybe(0.2)) point.error_count = below(3);
    if (maybe(0.3)) point.server.running_mean = 1.5 * below(9);
    if (maybe(0.3)) point.server.kv_use_max = 0.25 * below(5);
    if (maybe(0.2)) point.server.preemptions = below(4);
    if (maybe(0.8)) point.input_tokens_mean = 900 + uniform();
    point.measured_on = "2026-0" + std::to_string(1 + below(9)) + "-13";
    point.source_ref =
        "silicon_sample.csv#2026_04_06_model_accelerator_server_fp8_disagg_" + point.id;
    point.derived =
        "input_tokens_mean;output_tokens_mean;e2e_mean_ms;ntpot_mean_ms;requests_per_second";
    if (maybe(0.3)) point.flags = maybe(0.5) ? "seen_in_2_source_rows" : "short_run;few_requests";
    return point;
  }

  void predict(profile::Profile& p) {
    p.evidence.prediction = {.by = "0123456789abcdef",
                             .nearest = "g-" + std::to_string(1'000'000 + below(1000)),
                             .extrapolated = maybe(0.3) ? "no kernel table" : "",
                             .ttft_error = 1 + uniform(),
                             .tpot_error = 1 + 0.1 * uniform(),
                             .e2e_error = 1.1};
    for (profile::Point& one : p.points) {
      const double ms = 20 + one.at.load;
      one.bands = {ms / 2, ms * 2, ms / 1.1, ms * 1.1, ms / 1.2, ms * 1.2};
    }
  }

  std::mt19937 random_;
  int number_ = 0;
};

}  // namespace kneepoint::store
