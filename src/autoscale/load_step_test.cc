#include "autoscale/load_step.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autoscale/behavior.h"

namespace kneepoint::autoscale {
namespace {

using std::chrono::seconds;

long in_seconds(Time time) { return time / seconds(1); }

/// A replica with a knee at 32 requests at once, which are the operating point.
LoadStep doubling(int replicas, int startup, int metric_delay) {
  LoadStep step;
  step.server.rates = {{1, 0.5}, {8, 3}, {16, 5}, {32, 8}, {64, 10}};
  step.startup = seconds(startup);
  step.metric_delay = seconds(metric_delay);
  const double target = std::floor(32 * (1 - buffer_for(step.startup, step.metric_delay)));
  step.spec.max_replicas = 1000;
  step.spec.metrics = {{MetricKind::PodsAverage, static_cast<std::int64_t>(target * 1000)}};
  step.spec.behavior = behavior_for(step.startup, step.metric_delay);
  step.replicas = replicas;
  step.rate_before = step.server.rate(target) * replicas;
  step.rate_after = 2 * step.rate_before;
  step.needed = 2 * replicas;
  return step;
}

TEST(Server, ServesInStraightLinesBetweenItsPointsAndNoFasterPastTheLast) {
  const Server server{{{2, 1}, {4, 3}}, 256, 0};
  EXPECT_DOUBLE_EQ(server.rate(0), 0);
  EXPECT_DOUBLE_EQ(server.rate(1), 0.5);
  EXPECT_DOUBLE_EQ(server.rate(3), 2);
  EXPECT_DOUBLE_EQ(server.rate(400), 3);
}

TEST(LoadStep, WithoutAStepNothingMoves) {
  LoadStep step = doubling(4, 456, 75);
  step.rate_after = step.rate_before;
  const auto found = answer(step);
  EXPECT_EQ(found.peak, 4);
  EXPECT_TRUE(found.changes.empty());
}

TEST(LoadStep, AServerThatAnswersInATenthOfASecondIsAtRestToo) {
  for (const double faster : {1.0, 20.0, 80.0}) {
    LoadStep step = doubling(4, 456, 75);
    for (auto& point : step.server.rates) point.second *= faster;
    step.rate_before *= faster;
    step.rate_after = step.rate_before;
    const auto found = answer(step);
    EXPECT_TRUE(found.changes.empty()) << faster;
    EXPECT_EQ(found.before, 4);
    EXPECT_NEAR(found.longest_wait_seconds, 27.0 / 7.0 / faster, 0.5 / faster);
  }
}

// More than the replicas can serve piles up and asks for others before anything has changed.
TEST(LoadStep, TellsOfTheReplicasThatWereThereWhenTheLoadJumped) {
  LoadStep step = doubling(1, 456, 75);
  EXPECT_EQ(answer(step).before, 1);
  step.signal = Signal::Queue;
  step.spec.metrics = {{MetricKind::PodsAverage, 5'000}};
  EXPECT_EQ(answer(step).before, 1);
  step.server.most_running = 8;  // far fewer than the load needs
  const auto found = answer(step);
  EXPECT_GE(found.before, 2);
}

// The bound that the comments of a manifest state: a doubled load is met by the first pods asked
// for, and what piles up while they start adds a quarter at most, rounded up to a whole pod.
TEST(Behavior, ALoadThatDoublesIsMetAtOnceAndOvershotByAQuarterAtMost) {
  for (const int startup : {30, 120, 240, 456, 525}) {
    for (const int delay : {15, 75}) {
      for (const int replicas : {1, 2, 4, 10}) {
        for (const double most : {64.0, 256.0, 1024.0}) {
          for (const auto kind : {MetricKind::PodsAverage, MetricKind::ExternalAverage}) {
            LoadStep step = doubling(replicas, startup, delay);
            step.server.most_running = most;
            step.spec.metrics[0].kind = kind;
            const auto found = answer(step);
            SCOPED_TRACE(testing::Message() << startup << " s, seen " << delay << " s later, from "
                                            << replicas << ", at most " << most);
            EXPECT_LE(found.peak, std::ceil(2.5 * replicas));
            EXPECT_NEAR(found.last, 2 * replicas, 1);
            ASSERT_TRUE(found.enough);
            EXPECT_LE(in_seconds(*found.enough), startup + delay + 45);
            ASSERT_TRUE(found.caught_up);
            EXPECT_LE(in_seconds(*found.caught_up), 2 * startup + 3 * delay + 60);
          }
        }
      }
    }
  }
}

// Ten minutes are a third of the longest period that the API knows; past it the bound is wider.
TEST(Behavior, AStartupOfTwentyMinutesIsOvershotByAsMuchAgainAtMost) {
  for (const int startup : {700, 1200}) {
    for (const int replicas : {1, 4}) {
      const auto found = answer(doubling(replicas, startup, 75));
      EXPECT_LE(found.peak, 4 * replicas);
      EXPECT_NEAR(found.last, 2 * replicas, 1);
    }
  }
}

// What the rules are there for: with the controller's own, the same load asks for many times over.
TEST(Behavior, TheDefaultOvershootsManyTimes) {
  LoadStep step = doubling(4, 456, 75);
  step.spec.behavior.reset();
  EXPECT_GT(answer(step).peak, 40);
  step.spec.behavior = Behavior{};
  EXPECT_GT(answer(step).peak, 40);
}

TEST(Behavior, ASmallerStepGrowsTheReplicasTwoAndAHalfTimesAtMost) {
  for (const double factor : {1.1, 1.25, 1.5, 1.75}) {
    LoadStep step = doubling(8, 456, 75);
    step.rate_after = step.rate_before * factor;
    step.needed = static_cast<int>(std::ceil(8 * factor - 1e-9));
    const auto found = answer(step);
    EXPECT_LE(found.peak, 20) << factor;
    EXPECT_LE(found.last, step.needed + 1) << factor;
  }
}

TEST(Behavior, AQuadrupledLoadIsFollowedInStepsAndComesToRest) {
  LoadStep step = doubling(4, 456, 75);
  step.rate_after = 4 * step.rate_before;
  step.needed = 16;
  const auto found = answer(step);
  ASSERT_TRUE(found.caught_up);
  EXPECT_LE(found.peak, 25);
  EXPECT_NEAR(found.last, 16, 1);
}

TEST(Behavior, ALoadThatFallsLetsPodsGoOneByOneAfterTheWindow) {
  LoadStep step = doubling(8, 456, 75);
  step.rate_after = step.rate_before / 4;
  const auto found = answer(step);
  ASSERT_FALSE(found.changes.empty());
  EXPECT_GE(in_seconds(found.changes.front().first), 456);
  EXPECT_GE(found.changes.front().second, 6);  // a fifth of eight, rounded to whole pods
  EXPECT_EQ(found.last, 2);
  EXPECT_EQ(found.peak, 8);
}

TEST(Behavior, TheQueueAndTheCacheAreFollowedToo) {
  LoadStep step = doubling(4, 456, 75);
  step.signal = Signal::Queue;
  step.server.most_running = 64;
  step.spec.metrics = {{MetricKind::PodsAverage, 5'000}};
  auto found = answer(step);
  EXPECT_TRUE(found.enough);
  EXPECT_LE(found.peak, 20);  // a queue that drains says nothing of how many are needed
  step.signal = Signal::KvCache;
  step.server.cache_per_request = 1.0 / 80;
  step.spec.metrics = {{MetricKind::PodsAverage, 320}};
  found = answer(step);
  EXPECT_TRUE(found.enough);
  EXPECT_LE(found.peak, 10);
}

TEST(Behavior, StaysInsideWhatTheApiTakes) {
  for (const int startup : {0, 1, 30, 600, 1799, 5000, 100'000}) {
    const Behavior rules = behavior_for(seconds(startup), seconds(75));
    for (const Rules* one : {&rules.up, &rules.down}) {
      EXPECT_GE(one->stabilization_seconds, 0);
      EXPECT_LE(one->stabilization_seconds, 3600);
      for (const Policy& policy : one->policies) {
        EXPECT_GT(policy.value, 0);
        EXPECT_GT(policy.period_seconds, 0);
        EXPECT_LE(policy.period_seconds, 1800);
      }
    }
    EXPECT_GE(buffer_for(seconds(startup), seconds(75)), 0.1);
    EXPECT_LE(buffer_for(seconds(startup), seconds(75)), 0.2);
  }
}

}  // namespace
}  // namespace kneepoint::autoscale
