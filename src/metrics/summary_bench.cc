#include "metrics/summary.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <vector>

// From timelines to a summary: 1,000 answers of 200 tokens; time per token is 1 / items_per_second.
namespace kneepoint::metrics {
namespace {

constexpr int kRequests = 1000, kTokens = 200;

std::vector<Timeline> run(bool usage) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<> first(std::log(100e6), 0.5), gap(std::log(20e6), 0.3);
  std::vector<Timeline> out(kRequests);
  for (Timeline& t : out) {
    double at = first(random);
    for (int i = 0; i < kTokens; ++i, at += gap(random)) {
      t.events.emplace_back(Nanos(static_cast<std::int64_t>(at)), 0);
    }
    t.end = t.events.back().after_due();
    if (usage) t.usage = Usage{Tokens(500), Tokens(kTokens), Tokens(0)};
  }
  return out;
}

void BM_Summary(benchmark::State& state) {
  const auto timelines = run(state.range(0) == 1);
  const Window window = whole_run(timelines);
  const std::vector<Bound> bounds{{Metric::Ttft, std::chrono::milliseconds(300)},
                                  {Metric::Tpot, std::chrono::milliseconds(25)}};
  Summary summary;
  for (auto _ : state) summary = summarize(tally(timelines, window, bounds));
  state.SetItemsProcessed(state.iterations() * kRequests * kTokens);
  if (summary.of(Metric::Itl).values != kRequests * (kTokens - 1)) std::abort();
}
BENCHMARK(BM_Summary)->ArgName("usage")->Arg(0)->Arg(1);

}  // namespace
}  // namespace kneepoint::metrics
