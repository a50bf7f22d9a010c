#include "loadgen/sweep_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/random.h"

namespace kneepoint::loadgen {
namespace {

using curve::KneeState;
using curve::LoadKind;
using ::testing::HasSubstr;

using Server = std::function<SweepPoint(double load)>;

SweepPoint closed(double load, double throughput, double error = 0) {
  SweepPoint point;
  point.at.load = load;
  point.at.output_tokens_per_second = throughput;
  point.throughput_error = error;
  return point;
}

SweepPlan sweep(const SweepLimits& limits, const Server& server) {
  SweepPlan plan(limits);
  for (int guard = 0; guard < 1000; ++guard) {
    const SweepPlan::Step step = plan.next();
    if (step.stage == SweepPlan::Stage::Done) return plan;
    plan.add(server(step.load));
  }
  ADD_FAILURE() << "the plan never ends";
  return plan;
}

/// The law of a closed loop with a soft ceiling; its knee is at 4 h.
Server soft(double h) {
  return [h](double load) { return closed(load, 1000 * load / (load + h)); };
}

/// Throughput grows with the load up to `seats` and not at all from there.
Server hard(double seats) {
  return [seats](double load) { return closed(load, 10 * std::min(load, seats)); };
}

TEST(SweepPlan, FindsASoftKneeWithinTenPercent) {
  for (const double h : {1.3, 2.0, 5.0, 9.0, 17.0, 33.0, 60.0}) {
    const SweepPlan plan = sweep({.highest = 4096}, soft(h));
    ASSERT_EQ(plan.knee().state, KneeState::Found);
    EXPECT_NEAR(plan.knee().load / (4 * h), 1, 0.1) << h;
    EXPECT_LE(plan.points().size(), 22U) << h;
  }
}

TEST(SweepPlan, FindsTheLastSeat) {
  for (const double seats : {2.0, 3.0, 7.0, 8.0, 48.0, 100.0, 256.0, 300.0}) {
    const SweepPlan plan = sweep({.highest = 4096}, hard(seats));
    ASSERT_EQ(plan.knee().state, KneeState::Found);
    EXPECT_NEAR(plan.knee().load / seats, 1, 0.1) << seats;
  }
}

TEST(SweepPlan, FindsTheKneeOfAnOpenQueue) {
  const double capacity = 37;
  const SweepPlan plan =
      sweep({.kind = LoadKind::RequestRate, .lowest = 0.5, .highest = 1000}, [&](double rate) {
        SweepPoint point;
        const double busy = rate / capacity;
        point.overloaded = busy >= 1;
        point.at.load = rate;
        point.at.requests_per_second = std::min(rate, capacity);
        const double ms = point.overloaded ? 20'000 * busy : 27 / (1 - busy);
        point.at.latency.set(metrics::Metric::Ttft, metrics::Statistic::Mean, ms);
        point.at.latency.set(metrics::Metric::E2e, metrics::Statistic::Mean, ms + 5);
        return point;
      });
  ASSERT_EQ(plan.knee().state, KneeState::Found);
  EXPECT_NEAR(plan.knee().load, 0.8 * capacity, 0.08 * capacity);
  EXPECT_LE(plan.points().back().at.load, 2 * capacity);  // no deeper into overload than needed
}

TEST(SweepPlan, ReportsNoKneeWhereThroughputGrowsToTheEnd) {
  const SweepPlan plan =
      sweep({.highest = 512}, [](double load) { return closed(load, std::pow(load, 0.7)); });
  EXPECT_EQ(plan.knee().state, KneeState::NotReached);
  EXPECT_EQ(plan.points().back().at.load, 512);
  EXPECT_EQ(plan.points().size(), 10U);  // nothing to refine
  EXPECT_THAT(plan.next().reason, HasSubstr("not reached: highest load measured 512"));
}

TEST(SweepPlan, TakesAFallWithinTheErrorForNoKnee) {
  // The last doubling brings 1 % less than it would have to; 2 % is what each point may be off.
  const Server server = [](double load) {
    return closed(load, std::pow(load, 0.25) * (load == 64 ? 0.957 : 1), 0.02);
  };
  EXPECT_EQ(sweep({.highest = 64}, server).knee().state, KneeState::NotReached);
}

TEST(SweepPlan, IsRightNineTimesInTenWithNoise) {
  int right = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed, "sweep.noise");
    const double knee = 10 * std::pow(30, random.uniform());
    const Server exact = seed % 2 == 0 ? soft(knee / 4) : hard(knee);
    const SweepPlan plan = sweep({.highest = 4096}, [&](double load) {
      SweepPoint point = exact(load);
      point.at.output_tokens_per_second *= 1 + 0.002 * random.normal();
      point.throughput_error = 0.004;
      return point;
    });
    const double off = plan.knee().load / knee;
    right += plan.knee().state == KneeState::Found && off > 1 / 1.12 && off < 1.12 ? 1 : 0;
  }
  EXPECT_GE(right, 90);
}

TEST(SweepPlan, GoesOnWhereItWasCutOff) {
  const SweepPlan whole = sweep({.highest = 4096}, soft(9));
  auto points = whole.points();
  std::reverse(points.begin(), points.end());
  SweepPlan again({.highest = 4096});
  for (const SweepPoint& point : points) again.add(point);
  EXPECT_EQ(again.next().stage, SweepPlan::Stage::Done);
  EXPECT_EQ(again.knee().load, whole.knee().load);

  // Cut after any number of points, the rest are the same loads.
  SweepPlan cut({.highest = 4096});
  std::vector<double> loads;
  for (auto step = cut.next(); step.stage != SweepPlan::Stage::Done; step = cut.next()) {
    SweepPlan resumed({.highest = 4096});
    for (const SweepPoint& point : cut.points()) resumed.add(point);
    ASSERT_EQ(resumed.next().load, step.load);
    cut.add(soft(9)(step.load));
  }
}

TEST(SweepPlan, NeverAsksForALoadTwiceOrOutsideItsLimits) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed, "sweep.wild");
    const SweepLimits limits{.kind = seed % 2 == 0 ? LoadKind::Concurrency : LoadKind::RequestRate,
                             .lowest = 1 + static_cast<double>(random.below(5)),
                             .highest = 5 + static_cast<double>(random.below(2000))};
    SweepPlan plan(limits);
    std::vector<double> asked;
    for (auto step = plan.next(); step.stage != SweepPlan::Stage::Done; step = plan.next()) {
      ASSERT_GE(step.load, limits.lowest);
      ASSERT_LE(step.load, limits.highest);
      ASSERT_THAT(asked, ::testing::Not(::testing::Contains(step.load)));
      asked.push_back(step.load);
      ASSERT_LE(asked.size(), limits.most_points);
      plan.add(closed(step.load, random.uniform() * 1000));  // nonsense must end too
    }
  }
}

TEST(SweepPlan, EndsWithFewClients) {
  const SweepPlan plan = sweep({.lowest = 1, .highest = 3}, hard(2));
  EXPECT_EQ(plan.points().size(), 3U);
  EXPECT_EQ(plan.knee().state, KneeState::TooFewPoints);
}

TEST(SweepPlan, SaysHowManyPointsAreLeft) {
  SweepPlan plan({.highest = 4096});
  std::size_t left = plan.points_left();
  EXPECT_GT(left, 4U);
  for (auto step = plan.next(); step.stage != SweepPlan::Stage::Done; step = plan.next()) {
    EXPECT_GE(plan.points_left(), 1U);
    plan.add(soft(9)(step.load));
  }
  EXPECT_EQ(plan.points_left(), 0U);
}

}  // namespace
}  // namespace kneepoint::loadgen
