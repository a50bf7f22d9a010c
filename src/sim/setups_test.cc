#include "sim/setups.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sim/load_point.h"

namespace kneepoint::sim {
namespace {

TEST(LoadPoint, OfALightLoadIsARequestAlone) {
  perfmodel::LinearStepTime model;
  workload::RunSpec spec;
  spec.lengths.input = *workload::parse_length("100");
  spec.lengths.output = *workload::parse_length("50");
  const auto point =
      simulate_point(spec, {}, model, LoadKind::Concurrency, 1, {.requests = 200, .seed = 1});
  ASSERT_TRUE(point) << point.error().message;
  const perfmodel::PrefillChunk chunk{.tokens = 100};
  const Nanos first =
      model.step_time({.prefills = {&chunk, 1}, .prefill_tokens = 100, .prompts_ended = 1});
  EXPECT_NEAR(point->ttft_mean_ms, static_cast<double>(first.count()) / 1e6, 1e-6);
  EXPECT_NEAR(point->requests_per_second * point->e2e_mean_ms / 1e3, 1, 0.02);
  ASSERT_TRUE(point->e2e_ms);
  EXPECT_NEAR(point->e2e_ms->half_width, 0, 1e-6);
}

TEST(LoadPoint, DeliversTheRateBelowAndTheCapacityAboveTheKnee) {
  const TrialSetup setup = trial_setups(7)[6];
  ASSERT_EQ(setup.kind, SetupKind::BatchBound);
  ASSERT_EQ(setup.axis, LoadKind::Rate);
  const auto half = simulate_point(setup, setup.capacity / 2, {.requests = 2000});
  const auto twice = simulate_point(setup, setup.capacity * 2, {.requests = 2000});
  ASSERT_TRUE(half && twice);
  EXPECT_NEAR(half->requests_per_second / setup.capacity, 0.5, 0.05);
  EXPECT_NEAR(twice->requests_per_second / setup.capacity, 1, 0.1);
  EXPECT_GT(twice->ttft_mean_ms, 10 * half->ttft_mean_ms);
}

TEST(Setups, RepeatForTheSameSeed) {
  const auto one = trial_setups(5, 5), same = trial_setups(5, 5), other = trial_setups(5, 6);
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].engine, same[i].engine);
    EXPECT_EQ(one[i].workload, same[i].workload);
    EXPECT_EQ(one[i].capacity, same[i].capacity);
    EXPECT_NE(one[i].capacity, other[i].capacity);
  }
}

TEST(Setups, AreWhatTheirKindSays) {
  for (const TrialSetup& setup : trial_setups(30)) {
    SCOPED_TRACE(setup.name);
    ASSERT_TRUE(check(setup.engine));
    const auto half = simulate_point(setup, setup.most_load / 2, {.requests = 800});
    const auto most = simulate_point(setup, setup.most_load, {.requests = 800});
    ASSERT_TRUE(half && most);
    const double gain = most->requests_per_second / half->requests_per_second;
    if (setup.kind == SetupKind::NoKnee) {
      // A doubling that buys more than 15 % is below the knee (docs/metrics/knee.md).
      EXPECT_GT(gain, 1.3);
      continue;
    }
    EXPECT_LT(gain, 1.15);
    EXPECT_EQ(most->refused, 0);
    if (setup.kind == SetupKind::KvBound) {
      EXPECT_GT(most->engine.preemptions, 0);
    }
    if (setup.kind == SetupKind::BatchBound) {
      EXPECT_EQ(most->engine.preemptions, 0);
    }
    if (setup.kind == SetupKind::Noisy) {
      EXPECT_GT(setup.step_noise, 0);
    }
  }
}

}  // namespace
}  // namespace kneepoint::sim
