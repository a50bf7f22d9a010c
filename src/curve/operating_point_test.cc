#include "curve/operating_point.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <vector>

#include "curve/interpolate.h"

namespace kneepoint::curve {
namespace {

using metrics::is_missing;
using metrics::kMissing;
using metrics::Metric;
using metrics::Statistic;

struct Row {
  double load, tokens_per_second, ttft_ms, tpot_ms;
};

std::vector<LoadPoint> curve(std::initializer_list<Row> rows) {
  std::vector<LoadPoint> points;
  for (const Row& row : rows) {
    LoadPoint& point = points.emplace_back();
    point.load = row.load;
    point.output_tokens_per_second = row.tokens_per_second;
    point.latency.set(Metric::Ttft, Statistic::Mean, row.ttft_ms);
    point.latency.set(Metric::Tpot, Statistic::Mean, row.tpot_ms);
  }
  return points;
}

// Llama-3.3-70B on one accelerator, 64 clients at the knee; TTFT falls over the first loads.
const std::vector<LoadPoint>& plateau() {
  static const auto points = curve({{8, 400, 300, 20},
                                    {16, 600, 200, 25},
                                    {32, 850, 240, 35},
                                    {64, 1000, 500, 60},
                                    {128, 1010, 33000, 61}});
  return points;
}

Target mean(Metric metric, double ms) { return {metric, Statistic::Mean, ms}; }

auto place(const std::vector<LoadPoint>& points, std::vector<Target> targets,
           LoadKind kind = LoadKind::Concurrency, StatisticRule rule = StatisticRule::Exact) {
  return find_operating_point(points, kind, targets, rule);
}

TEST(OperatingPoint, WithoutTargetsIsTheKnee) {
  const auto op = place(plateau(), {});
  ASSERT_TRUE(op);
  EXPECT_EQ(op->point.load, 64);
  EXPECT_EQ(op->lower, 3U);
  EXPECT_EQ(op->upper, 3U);
  EXPECT_FALSE(op->interpolated);
  EXPECT_EQ(op->zone, Zone::At);
}

TEST(OperatingPoint, WithoutTargetsOrKneeIsTheHighestLoad) {
  const auto op = place(curve({{1, 10, 1, 1}, {2, 20, 1, 1}, {4, 40, 1, 1}, {8, 80, 1, 1}}), {});
  ASSERT_TRUE(op);
  EXPECT_EQ(op->point.load, 8);
  EXPECT_EQ(op->zone, Zone::Below);
}

TEST(OperatingPoint, WithoutTargetsOrStatementIsTheMostThroughput) {
  const auto few = curve({{1, 10, 1, 1}, {2, 30, 1, 1}, {4, 20, 1, 1}});
  EXPECT_EQ(place(few, {})->point.load, 2);
  EXPECT_EQ(place(few, {})->zone, Zone::Unknown);
  EXPECT_EQ(place(plateau(), {}, LoadKind::Burst)->point.load, 128);
}

TEST(OperatingPoint, LiesWhereTheTargetIsJustMet) {
  const auto op = place(plateau(), {mean(Metric::Tpot, 50)});
  ASSERT_TRUE(op);
  EXPECT_TRUE(op->interpolated);
  EXPECT_EQ(op->lower, 2U);
  EXPECT_EQ(op->upper, 3U);
  EXPECT_EQ(op->zone, Zone::Below);
  EXPECT_DOUBLE_EQ(op->point.load, 32 + 32 * 0.6);
  EXPECT_DOUBLE_EQ(op->point.output_tokens_per_second, 850 + 150 * 0.6);
  EXPECT_DOUBLE_EQ(op->point.latency.get(Metric::Ttft, Statistic::Mean), 240 + 260 * 0.6);
  EXPECT_EQ(op->point.latency.get(Metric::Tpot, Statistic::Mean), 50);
}

TEST(OperatingPoint, IsAMeasuredPointWhereThatJustMeets) {
  const auto op = place(plateau(), {mean(Metric::Tpot, 35)});
  ASSERT_TRUE(op);
  EXPECT_FALSE(op->interpolated);
  EXPECT_EQ(op->lower, 2U);
}

TEST(OperatingPoint, IsSetByTheTargetThatBindsFirst) {
  const auto op = place(plateau(), {mean(Metric::Tpot, 50), mean(Metric::Ttft, 305)});
  ASSERT_TRUE(op);
  EXPECT_DOUBLE_EQ(op->point.load, 40);
  EXPECT_DOUBLE_EQ(op->point.latency.get(Metric::Ttft, Statistic::Mean), 305);
  EXPECT_LE(op->point.latency.get(Metric::Tpot, Statistic::Mean), 50);
}

TEST(OperatingPoint, IsNeverPastTheKnee) {
  const auto op = place(plateau(), {mean(Metric::Tpot, 1000)});
  ASSERT_TRUE(op);
  EXPECT_EQ(op->point.load, 64);
}

TEST(OperatingPoint, IsFoundAboveLoadsThatMissTheTarget) {
  // TTFT 220: missed at 8 clients, met from about 14.4 to 24 clients.
  const auto op = place(plateau(), {mean(Metric::Ttft, 220)});
  ASSERT_TRUE(op);
  EXPECT_DOUBLE_EQ(op->point.load, 24);
}

TEST(OperatingPoint, IsNotHiddenByOneBadRun) {
  const auto op =
      place(curve({{4, 100, 10, 9}, {8, 190, 10, 10}, {16, 80, 900, 99}, {32, 700, 10, 12}}),
            {mean(Metric::Tpot, 15)});
  ASSERT_TRUE(op);
  EXPECT_EQ(op->point.load, 32);
}

TEST(OperatingPoint, SaysTheBestThereIsWhenATargetIsMissed) {
  const auto op = place(plateau(), {mean(Metric::Tpot, 15), mean(Metric::Ttft, 50)});
  ASSERT_FALSE(op);
  EXPECT_EQ(op.error().reason, Miss::MissesTarget);
  EXPECT_EQ(op.error().metric, Metric::Ttft);  // four times the bound; TPOT a third above
  EXPECT_EQ(op.error().best_ms, 200);
}

TEST(OperatingPoint, NamesTheWorseTargetWhereOnlyBothTogetherFail) {
  // TTFT 210 needs 16 clients or so, TPOT 21 fewer than 10.
  const auto op = place(plateau(), {mean(Metric::Ttft, 210), mean(Metric::Tpot, 21)});
  ASSERT_FALSE(op);
  EXPECT_EQ(op.error().metric, Metric::Tpot);
  EXPECT_EQ(op.error().best_ms, 25);
}

TEST(OperatingPoint, IsNoneForAMetricNobodyPublished) {
  for (const StatisticRule rule : {StatisticRule::Exact, StatisticRule::Closest}) {
    const auto op = place(plateau(), {mean(Metric::Itl, 50)}, LoadKind::Concurrency, rule);
    ASSERT_FALSE(op);
    EXPECT_EQ(op.error().reason, Miss::StatisticMissing);
    EXPECT_EQ(op.error().metric, Metric::Itl);
  }
}

TEST(OperatingPoint, AnswersAMissingPercentileOnlyWhereAllowedAndSaysSo) {
  const std::vector<Target> targets{{Metric::Tpot, Statistic::P50, 50}};
  const auto exact =
      find_operating_point(plateau(), LoadKind::Concurrency, targets, StatisticRule::Exact);
  ASSERT_FALSE(exact);
  EXPECT_EQ(exact.error().reason, Miss::StatisticMissing);
  EXPECT_EQ(exact.error().statistic, Statistic::P50);

  const auto closest =
      find_operating_point(plateau(), LoadKind::Concurrency, targets, StatisticRule::Closest);
  ASSERT_TRUE(closest);
  ASSERT_EQ(closest->substitutes.size(), 1U);
  EXPECT_EQ(closest->substitutes[0].metric, Metric::Tpot);
  EXPECT_EQ(closest->substitutes[0].asked, Statistic::P50);
  EXPECT_EQ(closest->substitutes[0].used, Statistic::Mean);
}

TEST(OperatingPoint, ReadsOneStatisticOverTheWholeCurve) {
  // p90 at a single point: the mean, which every point has, is the better guide.
  auto points = plateau();
  points[0].latency.set(Metric::Tpot, Statistic::P90, 22);
  const std::vector<Target> targets{{Metric::Tpot, Statistic::P90, 50}};
  const auto closest =
      find_operating_point(points, LoadKind::Concurrency, targets, StatisticRule::Closest);
  ASSERT_TRUE(closest);
  EXPECT_EQ(closest->substitutes.at(0).used, Statistic::Mean);
  EXPECT_GT(closest->point.load, 32);
  // Exactly p90: the one point that has it answers, and nothing is drawn towards its neighbour.
  const auto exact =
      find_operating_point(points, LoadKind::Concurrency, targets, StatisticRule::Exact);
  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->point.load, 8);
  EXPECT_FALSE(exact->interpolated);
}

TEST(OperatingPoint, TakesMeasuredPointsOnlyWhereTheCurveIsTooShort) {
  const auto op = place(curve({{8, 400, 300, 20}, {16, 600, 200, 25}, {32, 850, 240, 35}}),
                        {mean(Metric::Tpot, 30)});
  ASSERT_TRUE(op);
  EXPECT_FALSE(op->interpolated);
  EXPECT_EQ(op->point.load, 16);
}

TEST(OperatingPoint, TakesMeasuredPointsOnlyOfABurst) {
  const auto op = place(plateau(), {mean(Metric::Tpot, 50)}, LoadKind::Burst);
  ASSERT_TRUE(op);
  EXPECT_FALSE(op->interpolated);
  EXPECT_EQ(op->point.load, 32);
}

TEST(OperatingPoint, WithoutThroughputIsTheHighestLoadThatMeets) {
  auto points = plateau();
  for (LoadPoint& point : points) point.output_tokens_per_second = kMissing;
  const auto op = place(points, {mean(Metric::Tpot, 50)});
  ASSERT_TRUE(op);
  EXPECT_EQ(op->point.load, 32);
  EXPECT_TRUE(is_missing(op->point.output_tokens_per_second));
}

TEST(OperatingPoint, OfNothingIsMissing) {
  EXPECT_EQ(place({}, {}).error().reason, Miss::StatisticMissing);
  EXPECT_EQ(place({}, {mean(Metric::Ttft, 1)}).error().metric, Metric::Ttft);
}

TEST(OperatingPoint, OfABoundNoTimeCanMeetIsAMiss) {
  for (const double bound : {0.0, -5.0, kMissing}) {
    const auto op = place(plateau(), {mean(Metric::Ttft, bound)});
    ASSERT_FALSE(op) << bound;
    EXPECT_EQ(op.error().reason, Miss::MissesTarget);
    EXPECT_EQ(op.error().best_ms, 200);
  }
}

TEST(Interpolate, IsLinearInLoadBetweenNeighbours) {
  const auto point = interpolate(plateau(), 24);
  ASSERT_TRUE(point);
  EXPECT_EQ(point->load, 24);
  EXPECT_DOUBLE_EQ(point->output_tokens_per_second, 725);
  EXPECT_DOUBLE_EQ(point->latency.get(Metric::Tpot, Statistic::Mean), 30);
  EXPECT_TRUE(is_missing(point->requests_per_second));
  EXPECT_TRUE(is_missing(point->latency.get(Metric::Tpot, Statistic::P50)));
}

TEST(Interpolate, HasNothingOutsideTheMeasuredRange) {
  EXPECT_FALSE(interpolate(plateau(), 7.999));
  EXPECT_FALSE(interpolate(plateau(), 128.001));
  EXPECT_FALSE(interpolate(plateau(), kMissing));
  EXPECT_FALSE(interpolate({}, 1));
  EXPECT_TRUE(interpolate(plateau(), 8));
  EXPECT_TRUE(interpolate(plateau(), 128));
}

TEST(Reachable, SpansTheValuesUpToTheKnee) {
  const Knee knee = find_knee(plateau(), LoadKind::Concurrency);
  const Range ttft =
      reachable(plateau(), knee, Metric::Ttft, Statistic::Mean, StatisticRule::Exact);
  EXPECT_EQ(ttft.min, 200);
  EXPECT_EQ(ttft.max, 500);
  const Range p50 =
      reachable(plateau(), knee, Metric::Tpot, Statistic::P50, StatisticRule::Closest);
  EXPECT_EQ(p50.min, 20);
  EXPECT_EQ(p50.max, 60);
}

TEST(Reachable, IsNothingForWhatNobodyPublished) {
  const Knee knee = find_knee(plateau(), LoadKind::Concurrency);
  EXPECT_TRUE(is_missing(
      reachable(plateau(), knee, Metric::Tpot, Statistic::P50, StatisticRule::Exact).min));
  EXPECT_TRUE(is_missing(
      reachable(plateau(), knee, Metric::Itl, Statistic::P50, StatisticRule::Closest).max));
}

}  // namespace
}  // namespace kneepoint::curve
