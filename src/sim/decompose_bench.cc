#include "sim/decompose.h"

#include <benchmark/benchmark.h>

#include <cmath>

namespace kneepoint::sim {
namespace {

using perfmodel::Part;

/// About as dear as parts from tables: a logarithm and a root for each.
struct Dear {
  perfmodel::PartAmounts amounts(const perfmodel::StepShape& shape) const {
    perfmodel::PartAmounts out{};
    const auto tokens = static_cast<double>(shape.tokens());
    const bool prompts = !shape.prefills.empty();
    out[static_cast<std::size_t>(Part::Steps)] = 1;
    out[static_cast<std::size_t>(prompts ? Part::PrefillGemm : Part::DecodeGemm)] =
        6e6 + 3e4 * tokens + std::log(tokens);
    out[static_cast<std::size_t>(Part::DecodeAttention)] =
        49 * static_cast<double>(shape.decode_context);
    out[static_cast<std::size_t>(Part::Sequences)] = static_cast<double>(shape.decodes);
    return out;
  }
};

/// The grid of a published benchmark: lengths by clients, 10 requests a client.
void BM_Points(benchmark::State& state, ServerRules rules) {
  const Dear dear;
  const PartsOf<Dear> parts(dear);
  perfmodel::PartCoefficients ones;
  ones.fill(1);
  EngineConfig config{.max_num_seqs = 1024};
  config.scheduling = scheduling_of(rules);
  double points = 0, steps = 0, requests = 0;
  for (auto _ : state) {
    for (const auto& [input, output] : {std::pair{1024, 1024}, {1024, 8192}, {8192, 1024}}) {
      for (double clients = 4; clients <= 256; clients *= 2) {
        Load load{.load = clients, .requests = static_cast<std::int64_t>(10 * clients)};
        load.input = up_to(input, 0.8);
        load.output = up_to(output, 0.8);
        const auto out = decompose(parts, ones, config, load);
        benchmark::DoNotOptimize(out->ttft);
        points += 1;
        steps += static_cast<double>(out->steps);
        requests += static_cast<double>(out->requests);
      }
    }
  }
  state.counters["points/s"] = benchmark::Counter(points, benchmark::Counter::kIsRate);
  state.counters["steps/s"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);
  state.counters["requests/s"] = benchmark::Counter(requests, benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(BM_Points, vllm, ServerRules::Vllm)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Points, tensorrt_llm, ServerRules::TensorRtLlm)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Points, sglang, ServerRules::Sglang)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kneepoint::sim
