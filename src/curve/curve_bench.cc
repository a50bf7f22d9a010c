#include "curve/curve.h"

#include <benchmark/benchmark.h>

#include <array>
#include <vector>

namespace kneepoint::curve {
namespace {

using metrics::Metric;
using metrics::Statistic;

/// `count` doublings from 4 clients on a server that saturates near the sixth.
std::vector<LoadPoint> saturating(int count) {
  std::vector<LoadPoint> points;
  double load = 4;
  for (int i = 0; i < count; ++i, load *= 2) {
    LoadPoint& point = points.emplace_back();
    point.load = load;
    point.output_tokens_per_second = 4000 * load / (load + 40);
    point.requests_per_second = point.output_tokens_per_second / 256;
    point.latency.set(Metric::Ttft, Statistic::Mean, 100 * (1 + load / 40));
    point.latency.set(Metric::Tpot, Statistic::Mean, 10 * (1 + load / 40));
    point.latency.set(Metric::E2e, Statistic::Mean, 2650 * (1 + load / 40));
  }
  return points;
}

constexpr std::array kTargets{Target{Metric::Ttft, Statistic::P50, 350},
                              Target{Metric::Tpot, Statistic::P50, 30}};

void BM_FindKnee(benchmark::State& state) {
  const auto points = saturating(static_cast<int>(state.range(0)));
  if (find_knee(points, LoadKind::Concurrency).load != 128) state.SkipWithError("wrong knee");
  for (auto _ : state) benchmark::DoNotOptimize(find_knee(points, LoadKind::Concurrency));
}
BENCHMARK(BM_FindKnee)->Arg(8)->Arg(16);

void BM_FindOperatingPoint(benchmark::State& state) {
  const auto points = saturating(8);
  const auto rule = StatisticRule::Exact;
  std::vector<Target> targets(kTargets.begin(), kTargets.end());
  for (Target& target : targets) target.statistic = Statistic::Mean;
  const auto op = find_operating_point(points, LoadKind::Concurrency, targets, rule);
  if (!op || !op->interpolated) state.SkipWithError("wrong operating point");
  for (auto _ : state) {
    benchmark::DoNotOptimize(find_operating_point(points, LoadKind::Concurrency, targets, rule));
  }
}
BENCHMARK(BM_FindOperatingPoint);

void BM_FindOperatingPointByNearestStatistic(benchmark::State& state) {
  const auto points = saturating(8);
  const auto rule = StatisticRule::Closest;
  for (auto _ : state) {
    benchmark::DoNotOptimize(find_operating_point(points, LoadKind::Concurrency, kTargets, rule));
  }
}
BENCHMARK(BM_FindOperatingPointByNearestStatistic);

}  // namespace
}  // namespace kneepoint::curve
