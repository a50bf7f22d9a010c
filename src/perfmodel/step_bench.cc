#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "perfmodel/parted_step_time.h"

// Run in the build folder, where the packed files lie. Time of one step, and of compiling a setup.
namespace kneepoint::perfmodel {
namespace {

const catalog::Catalog& shipped() {
  static const auto catalog = catalog::Catalog::open("kneepoint.catalog", {}).value();
  return catalog;
}

const OperatorTables& tables() {
  static const auto tables = OperatorTables::open("kneepoint.operators").value();
  return tables;
}

struct Case {
  const char* model;
  const char* accelerator;
  int tensor;
};
constexpr Case kCases[] = {{"meta-llama/Llama-3.1-8B-Instruct", "nvidia-h100-80gb", 1},
                           {"deepseek-ai/DeepSeek-R1", "nvidia-b200", 8},
                           {"openai/gpt-oss-120b", "amd-mi300x", 2}};

CompiledSteps compiled(const Case& of) {
  MemorySetup setup;
  setup.accelerators = setup.tensor_parallel = of.tensor;
  return compile_steps(tables(), *shipped().model(of.model), *shipped().accelerator(of.accelerator),
                       setup)
      .value();
}

void decode_step(benchmark::State& state) {
  const auto steps = compiled(kCases[state.range(0)]);
  PartedStepTime time(steps, default_coefficients());
  StepShape shape;
  std::int64_t i = 0;
  for (auto _ : state) {
    ++i;
    shape.decodes = 1 + (i & 255);
    shape.decode_context = shape.decodes * (200 + (i & 4095));
    benchmark::DoNotOptimize(time.step_time(shape));
  }
}
BENCHMARK(decode_step)->DenseRange(0, 2);

void prompt_step(benchmark::State& state) {
  const auto steps = compiled(kCases[0]);
  PartedStepTime time(steps, default_coefficients());
  std::vector<PrefillChunk> chunks(static_cast<std::size_t>(state.range(0)));
  StepShape shape;
  shape.decodes = 64;
  shape.decode_context = 64 * 1000;
  shape.prompts_ended = 1;
  std::int64_t i = 0;
  for (auto _ : state) {
    ++i;
    shape.prefill_tokens = 0;
    for (PrefillChunk& chunk : chunks) {
      chunk = {512 + (i & 1023), i & 4095};
      shape.prefill_tokens += chunk.tokens;
    }
    shape.prefills = chunks;
    benchmark::DoNotOptimize(time.step_time(shape));
  }
}
BENCHMARK(prompt_step)->Arg(1)->Arg(4);

void amounts(benchmark::State& state) {
  const auto steps = compiled(kCases[0]);
  StepShape shape;
  std::int64_t i = 0;
  for (auto _ : state) {
    ++i;
    shape.decodes = 1 + (i & 255);
    shape.decode_context = shape.decodes * (200 + (i & 4095));
    benchmark::DoNotOptimize(steps.amounts(shape));
  }
}
BENCHMARK(amounts);

void compile_setup(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(compiled(kCases[state.range(0)]));
}
BENCHMARK(compile_setup)->DenseRange(0, 2)->Unit(benchmark::kMicrosecond);

void fold_coefficients(benchmark::State& state) {
  const auto steps = compiled(kCases[0]);
  for (auto _ : state) benchmark::DoNotOptimize(PartedStepTime(steps, default_coefficients()));
}
BENCHMARK(fold_coefficients)->Unit(benchmark::kMicrosecond);

void open_tables(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(OperatorTables::open("kneepoint.operators"));
}
BENCHMARK(open_tables)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kneepoint::perfmodel
