#include "workload/generator.h"

#include <benchmark/benchmark.h>

namespace kneepoint::workload {
namespace {

RunSpec spec(std::string_view input, std::string_view output) {
  RunSpec out;
  out.seed = 7;
  out.arrivals = Arrivals{.rate = 1000};
  out.lengths.input = *parse_length(input);
  out.lengths.output = *parse_length(output);
  out.requests = kMostRequests;
  return out;
}

void run(benchmark::State& state, const RunSpec& of) {
  auto generator = Generator::open(of);
  for (auto _ : state) benchmark::DoNotOptimize(generator->next());
  state.SetItemsProcessed(state.iterations());
}

void BM_FixedLengths(benchmark::State& state) { run(state, spec("128", "128")); }
BENCHMARK(BM_FixedLengths);

void BM_Sharegpt(benchmark::State& state) { run(state, spec("sharegpt-input", "sharegpt-output")); }
BENCHMARK(BM_Sharegpt);

void BM_SessionsWithPrefixes(benchmark::State& state) {
  RunSpec of = spec("sharegpt-input", "sharegpt-output");
  of.prefix = Prefix{.groups = 100, .tokens = 1024, .prompts_per_group = 100};
  of.sessions =
      Sessions{.turns = *parse_length("uniform:1,9"), .think = *parse_think_time("exponential:4")};
  run(state, of);
}
BENCHMARK(BM_SessionsWithPrefixes);

}  // namespace
}  // namespace kneepoint::workload
