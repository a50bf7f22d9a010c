#include "metrics/histogram.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

// The promise: record() below 10 ns for latencies as they come. Beside it the plain way to the same
// quantiles, keeping every value and sorting; time per value is 1 / items_per_second.
namespace kneepoint::metrics {
namespace {

std::vector<std::int64_t> latencies(std::size_t n) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<> latency(std::log(20e6), 0.8);
  std::vector<std::int64_t> out(n);
  for (std::int64_t& ns : out) ns = static_cast<std::int64_t>(latency(random));
  return out;
}

std::int64_t p99_sorted(std::vector<std::int64_t>& values) {
  std::ranges::sort(values);
  return values[(99 * values.size() + 99) / 100 - 1];
}

void BM_Record(benchmark::State& state) {
  std::vector<std::int64_t> values = latencies(static_cast<std::size_t>(state.range(0)));
  Histogram histogram;
  for (auto _ : state) {
    for (const std::int64_t ns : values) histogram.record(Nanos(ns));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));

  const auto exact = static_cast<double>(p99_sorted(values));
  const auto told = static_cast<double>(histogram.quantile(0.99)->count());
  if (std::abs(told - exact) > Histogram::kRelativeError * exact) std::abort();
}
BENCHMARK(BM_Record)->Arg(10'000)->Arg(1'000'000);

void BM_KeepAndSort(benchmark::State& state) {
  const std::vector<std::int64_t> values = latencies(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    std::vector<std::int64_t> kept = values;
    benchmark::DoNotOptimize(p99_sorted(kept));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_KeepAndSort)->Arg(10'000)->Arg(1'000'000);

Histogram filled() {
  Histogram out;
  for (const std::int64_t ns : latencies(1'000'000)) out.record(Nanos(ns));
  return out;
}

void BM_Quantile(benchmark::State& state) {
  const Histogram histogram = filled();
  for (auto _ : state) benchmark::DoNotOptimize(histogram.quantile(0.99));
}
BENCHMARK(BM_Quantile);

void BM_Merge(benchmark::State& state) {
  Histogram all;
  const Histogram one = filled();
  for (auto _ : state) all.merge(one);
  state.counters["bytes"] = static_cast<double>(one.memory_bytes());
}
BENCHMARK(BM_Merge);

}  // namespace
}  // namespace kneepoint::metrics
