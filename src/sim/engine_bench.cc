#include "sim/engine.h"

#include <benchmark/benchmark.h>

#include "base/random.h"
#include "sim/load_point.h"
#include "sim/replay.h"

namespace kneepoint::sim {
namespace {

EngineConfig config(std::int64_t sequences, bool caching) {
  return {.max_num_seqs = sequences,
          .max_num_batched_tokens = std::max<std::int64_t>(8192, sequences),
          .num_blocks = 64 * sequences,
          .prefix_caching = caching};
}

/// A full batch, kept full: what a step costs with everything that comes with it. `look` reads
/// every emission, as the emulator does.
void BM_Steps(benchmark::State& state, bool caching, bool look) {
  perfmodel::LinearStepTime model;
  Engine engine(config(state.range(0), caching), model);
  Random random(1, "bench");
  const auto ask = [&] {
    (void)engine.submit({.id = 1,
                         .input = Tokens(256 + static_cast<std::int64_t>(random.below(512))),
                         .output = Tokens(64 + static_cast<std::int64_t>(random.below(128)))},
                        Nanos());
  };
  for (std::int64_t i = 0; i < state.range(0) + 8; ++i) ask();
  std::int64_t tokens = 0, requests = 0;
  std::uint64_t seen = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(engine.begin_step(Nanos()));
    const StepResult result = engine.finish_step(Nanos());
    tokens += static_cast<std::int64_t>(result.emissions.size());
    if (look) {
      for (const Emission& e : result.emissions) seen += e.id + e.tokens;
    }
    for (const Milestone& m : result.milestones) {
      if (!m.finished) continue;
      ask();
      ++requests;
    }
  }
  benchmark::DoNotOptimize(seen);
  state.SetItemsProcessed(state.iterations());
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(tokens), benchmark::Counter::kIsRate);
  state.counters["requests/s"] =
      benchmark::Counter(static_cast<double>(requests), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(BM_Steps, counts, false, false)->Arg(1)->Arg(256)->Arg(4096);
BENCHMARK_CAPTURE(BM_Steps, prefix_cache, true, false)->Arg(1)->Arg(256)->Arg(4096);
BENCHMARK_CAPTURE(BM_Steps, every_token_read, true, true)->Arg(256)->Arg(4096);

/// Workload b of the comparison of simulators: 10,000 requests at 20 a second, normal lengths.
workload::RunSpec workload_b(std::int64_t requests) {
  workload::RunSpec out;
  out.seed = 42;
  out.arrivals = workload::Arrivals{.rate = 20};
  out.lengths.input = *workload::parse_length("normal:512,256,min=2,max=4096");
  out.lengths.output = *workload::parse_length("normal:256,128,min=2,max=2048");
  out.requests = requests;
  return out;
}

void BM_Replay(benchmark::State& state, bool caching, bool every_token) {
  perfmodel::LinearStepTime model;
  EngineConfig engine = config(256, caching);
  engine.num_blocks = 26'000;
  double tokens = 0, requests = 0, steps = 0;
  for (auto _ : state) {
    const auto result =
        replay(workload_b(state.range(0)), engine, model, {.every_token = every_token});
    tokens += static_cast<double>(result->engine.generation_tokens);
    requests += static_cast<double>(result->timelines.size());
    steps += static_cast<double>(result->engine.steps);
  }
  state.counters["tokens/s"] = benchmark::Counter(tokens, benchmark::Counter::kIsRate);
  state.counters["requests/s"] = benchmark::Counter(requests, benchmark::Counter::kIsRate);
  state.counters["steps/s"] = benchmark::Counter(steps, benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(BM_Replay, b_counts, false, false)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Replay, b, true, false)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Replay, b_every_token, true, true)->Arg(10'000)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BM_Replay, c1, true, false)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_LoadPoint(benchmark::State& state) {
  perfmodel::LinearStepTime model;
  const workload::RunSpec spec = workload_b(1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(simulate_point(spec, config(256, true), model, LoadKind::Concurrency,
                                            128, {.requests = 1000}));
  }
}
BENCHMARK(BM_LoadPoint)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kneepoint::sim
