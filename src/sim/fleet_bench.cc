#include "sim/fleet.h"

#include <benchmark/benchmark.h>

namespace kneepoint::sim {
namespace {

workload::RunSpec spec_of(double rate, std::int64_t requests, const char* input,
                          const char* output) {
  workload::RunSpec out;
  out.seed = 42;
  out.arrivals = workload::Arrivals{.rate = rate};
  out.lengths.input = *workload::parse_length(input);
  out.lengths.output = *workload::parse_length(output);
  out.requests = requests;
  return out;
}

constexpr auto kInput = "normal:512,256,min=2,max=4096";
constexpr auto kOutput = "normal:256,128,min=2,max=2048";

/// The workloads of the comparison of simulators, as bench/sim runs them: percentiles and means, no
/// timelines.
void BM_Fleet(benchmark::State& state, double rate, const char* input, const char* output,
              std::int64_t replicas) {
  FleetConfig config;
  config.replicas = replicas;
  const StepModels models = [](const Seat&) {
    return std::make_unique<perfmodel::LinearStepTime>();
  };
  const workload::RunSpec spec = spec_of(rate, state.range(0), input, output);
  double steps = 0, requests = 0;
  for (auto _ : state) {
    const auto out = simulate_fleet(spec, config, models);
    benchmark::DoNotOptimize(metrics::summarize(out->tally));
    steps += static_cast<double>(out->steps);
    requests += static_cast<double>(out->requests);
  }
  state.counters["requests/s"] = benchmark::Counter(requests, benchmark::Counter::kIsRate);
  state.counters["steps/s"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(BM_Fleet, a, 5, "512", "256", 1)->Arg(1'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Fleet, b, 20, kInput, kOutput, 1)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Fleet, c1, 20, kInput, kOutput, 1)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Fleet, c8, 160, kInput, kOutput, 8)
    ->Arg(100'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kneepoint::sim
