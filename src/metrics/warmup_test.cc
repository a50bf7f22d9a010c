#include "metrics/warmup.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace kneepoint::metrics {
namespace {

/// Starts `excess` above its steady 100 and comes down by a factor e every `fade` values.
std::vector<double> fading(std::uint64_t seed, double excess, double fade, std::size_t n) {
  std::mt19937_64 random(seed);
  std::normal_distribution<> noise(0, 10);
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = 100 + excess * std::exp(-static_cast<double>(i) / fade) + noise(random);
  }
  return out;
}

double mean_from(const std::vector<double>& values, std::size_t cut) {
  double sum = 0;
  for (std::size_t i = cut; i < values.size(); ++i) sum += values[i];
  return sum / static_cast<double>(values.size() - cut);
}

TEST(Mser5, CutsATransientAndLittleMore) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto values = fading(seed, 300, 40, 2000);
    const WarmupCut cut = mser5(values);
    ASSERT_TRUE(cut.settled) << seed;
    // After 60 values the excess is 67, after 100 it is 25, after 200 it is 2: within the noise.
    EXPECT_GE(cut.cut, 60U) << seed;
    EXPECT_LE(cut.cut, 500U) << seed;
    EXPECT_NEAR(mean_from(values, cut.cut), 100, 2) << seed;
    EXPECT_GT(mean_from(values, 0), 104) << seed;
  }
}

TEST(Mser5, CutsARiseToo) {
  const auto values = fading(5, -90, 60, 2000);  // a queue that fills
  const WarmupCut cut = mser5(values);
  EXPECT_TRUE(cut.settled);
  EXPECT_GE(cut.cut, 50U);
  EXPECT_NEAR(mean_from(values, cut.cut), 100, 1);
}

TEST(Mser5, FindsTheEdgeOfAStep) {
  std::vector<double> values(200, 500.0);
  values.resize(1000, 100.0);
  EXPECT_EQ(mser5(values).cut, 200U);
}

TEST(Mser5, CutsLittleFromASteadyRun) {
  double dropped = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const WarmupCut cut = mser5(fading(seed, 0, 1, 2000));
    dropped += static_cast<double>(cut.cut) / 2000 / 100;
  }
  EXPECT_LT(dropped, 0.1);
}

TEST(Mser5, CutsNothingFromAConstant) {
  const WarmupCut cut = mser5(std::vector<double>(100, 3.0));
  EXPECT_TRUE(cut.settled);
  EXPECT_EQ(cut.cut, 0U);
}

TEST(Mser5, SaysSoWhenARunNeverSettles) {
  std::vector<double> late(1000, 100.0);  // settles in its second half only
  for (std::size_t i = 0; i < 700; ++i) late[i] = 1000 - static_cast<double>(i);
  const WarmupCut cut = mser5(late);
  EXPECT_FALSE(cut.settled);
  EXPECT_EQ(cut.cut, 0U);
  EXPECT_EQ(describe(cut, "requests"),
            "warm-up by MSER-5: 1000 requests never settle, none dropped; run longer");
}

TEST(Mser5, DoesNotJudgeAFewValues) {
  EXPECT_FALSE(mser5(std::vector<double>(49, 1.0)).settled);
  EXPECT_TRUE(mser5(std::vector<double>(50, 1.0)).settled);
  EXPECT_FALSE(mser5({}).settled);
}

TEST(Mser5, IsNamedWhereItsCutIsPrinted) {
  EXPECT_EQ(describe({.cut = 35, .values = 1000, .settled = true}, "requests"),
            "warm-up by MSER-5: first 35 of 1000 requests dropped");
}

}  // namespace
}  // namespace kneepoint::metrics
