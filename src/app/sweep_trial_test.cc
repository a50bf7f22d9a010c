// The promise of `bench sweep`, kept to on servers whose dense grid can be had: the engine of
// src/sim in virtual time.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "curve/knee.h"
#include "loadgen/sweep_plan.h"
#include "sim/setups.h"

namespace kneepoint::app {
namespace {

using curve::Knee;
using curve::KneeState;
using curve::LoadKind;
using loadgen::SweepPlan;
using loadgen::SweepPoint;
using metrics::Metric;
using metrics::Statistic;

constexpr double kGrid = 1.05;

LoadKind kind_of(const sim::TrialSetup& setup) {
  return setup.axis == sim::LoadKind::Rate ? LoadKind::RequestRate : LoadKind::Concurrency;
}

struct Measured {
  SweepPoint point;
  double seconds = 0;  // of the server's time
};

/// As a load generator would: as many requests as it takes for steady figures at that load, with
/// the seed of the whole run at each.
Measured measure(const sim::TrialSetup& setup, double load) {
  const double at_once = setup.axis == sim::LoadKind::Rate ? 50 : load;
  sim::PointOptions options;
  options.requests = static_cast<std::int64_t>(std::clamp(12 * at_once, 2000.0, 8'000.0));
  const auto found = sim::simulate_point(setup, load, options);
  Measured out;
  if (!found) {
    ADD_FAILURE() << setup.name << ": " << found.error().message;
    return out;
  }
  SweepPoint& point = out.point;
  point.at.load = load;
  point.at.requests_per_second = found->requests_per_second;
  point.at.output_tokens_per_second = found->output_tokens_per_second;
  point.at.latency.set(Metric::Ttft, Statistic::Mean, found->ttft_mean_ms);
  point.at.latency.set(Metric::E2e, Statistic::Mean, found->e2e_mean_ms);
  if (found->requests_per_second_interval) {
    const auto& interval = *found->requests_per_second_interval;
    point.throughput_error = interval.half_width / interval.mean;
  }
  if (setup.axis == sim::LoadKind::Rate) {
    point.overloaded = found->requests_per_second < 0.95 * load;
  }
  out.seconds = std::chrono::duration<double>(found->took).count();
  return out;
}

struct Trial {
  Knee knee;
  double seconds = 0;
  std::size_t points = 0;
};

Trial dense(const sim::TrialSetup& setup) {
  SweepPlan plan({.kind = kind_of(setup)});
  Trial out;
  double last = 0;
  for (double load = setup.least_load;; load *= kGrid) {
    double at = std::min(load, setup.most_load);
    if (setup.axis == sim::LoadKind::Concurrency) at = std::round(at);
    if (at == last) {
      if (load >= setup.most_load) break;
      continue;
    }
    last = at;
    const Measured measured = measure(setup, at);
    plan.add(measured.point);
    out.seconds += measured.seconds;
    ++out.points;
    if (load >= setup.most_load) break;
  }
  out.knee = plan.knee();
  return out;
}

Trial swept(const sim::TrialSetup& setup) {
  SweepPlan plan({.kind = kind_of(setup),
                  .lowest = setup.least_load,
                  .highest = setup.most_load,
                  .precision = 1.1});
  Trial out;
  for (auto step = plan.next(); step.stage != SweepPlan::Stage::Done; step = plan.next()) {
    const Measured measured = measure(setup, step.load);
    plan.add(measured.point);
    out.seconds += measured.seconds;
    ++out.points;
  }
  out.knee = plan.knee();
  return out;
}

TEST(Sweep, FindsTheKneeOfADenseGridInAThirdOfItsTime) {
  int right = 0;
  int invented = 0;
  double sweep_seconds = 0;
  double grid_seconds = 0;
  const char* other = std::getenv("KNEEPOINT_TRIAL_SEED");
  const auto setups =
      sim::trial_setups(30, other != nullptr ? std::strtoull(other, nullptr, 10) : 1);
  for (const sim::TrialSetup& setup : setups) {
    const Trial grid = dense(setup);
    const Trial sweep = swept(setup);
    sweep_seconds += sweep.seconds;
    grid_seconds += grid.seconds;
    const bool there = grid.knee.state == KneeState::Found;
    const bool found = sweep.knee.state == KneeState::Found;
    const double off = sweep.knee.load / grid.knee.load;
    // On whole clients a step of the grid may be more than a tenth.
    const bool near =
        std::abs(off - 1) <= 0.1 + 1e-9 || (setup.axis == sim::LoadKind::Concurrency &&
                                            std::abs(sweep.knee.load - grid.knee.load) <= 1);
    const bool good = there == found && (!there || near);
    right += good ? 1 : 0;
    invented += found && !there ? 1 : 0;
    fmt::print(
        "{:6} {:34} grid {:9.3f} {:11} {:3} points {:8.0f} s   sweep {:9.3f} {:11} {:3} points "
        "{:8.0f} s ({:4.2f})\n",
        good ? "right" : "WRONG", setup.name, grid.knee.load, curve::name(grid.knee.state),
        grid.points, grid.seconds, sweep.knee.load, curve::name(sweep.knee.state), sweep.points,
        sweep.seconds, sweep.seconds / grid.seconds);
  }
  fmt::print("{} of {} right; the sweeps took {:.2f} of the grids' time\n", right, setups.size(),
             sweep_seconds / grid_seconds);
  EXPECT_GE(right, 27);  // 29, 29 and 30 with the setups of seeds 1, 2 and 3
  EXPECT_EQ(invented, 0);
  EXPECT_LE(sweep_seconds / grid_seconds, 1.0 / 3);
}

}  // namespace
}  // namespace kneepoint::app
