#include "metrics/metric.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <set>
#include <string>
#include <string_view>

namespace kneepoint::metrics {
namespace {

TEST(MetricTable, NamesAndLabelsAreTheOnesUsersType) {
  std::string names, labels;
  for (const Metric metric : kMetrics) {
    names += std::string(name(metric)) + " ";
    labels += std::string(label(metric)) + " ";
    EXPECT_FALSE(info(metric).sentence.empty());
  }
  EXPECT_EQ(names, "ttft tpot itl ntpot e2e ");
  EXPECT_EQ(labels, "TTFT TPOT ITL NTPOT E2E ");
}

TEST(MetricTable, EveryNameReadsBack) {
  for (const Metric metric : kMetrics) EXPECT_EQ(parse_metric(name(metric)), metric);
  for (const Statistic s : kStatistics) EXPECT_EQ(parse_statistic(name(s)), s);
}

TEST(MetricTable, OtherNamesAreNone) {
  for (const std::string_view wrong : {"", "TTFT", "ttft ", "latency"}) {
    EXPECT_FALSE(parse_metric(wrong)) << wrong;
  }
  for (const std::string_view wrong : {"", "median", "p95", "P50"}) {
    EXPECT_FALSE(parse_statistic(wrong)) << wrong;
  }
}

TEST(LatencyTable, StartsWithNothingAndKeepsEachCellApart) {
  LatencyTable table;
  double next = 1;
  for (const Metric m : kMetrics) {
    for (const Statistic s : kStatistics) {
      EXPECT_FALSE(table.has(m, s));
      table.set(m, s, next++);
    }
  }
  next = 1;
  for (const Metric m : kMetrics) {
    for (const Statistic s : kStatistics) EXPECT_EQ(table.get(m, s), next++);
  }
}

LatencyTable with(std::initializer_list<Statistic> statistics) {
  LatencyTable table;
  for (const Statistic s : statistics) table.set(Metric::Ttft, s, 100);
  return table;
}

TEST(ChooseStatistic, TakesTheOneAskedForWhereItIs) {
  const auto chosen =
      choose_statistic(with({Statistic::Mean, Statistic::P50}), Metric::Ttft, Statistic::P50, true);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->statistic, Statistic::P50);
  EXPECT_TRUE(chosen->exact);
}

TEST(ChooseStatistic, TakesAnotherOnlyWhereAllowed) {
  const LatencyTable table = with({Statistic::Mean});
  EXPECT_FALSE(choose_statistic(table, Metric::Ttft, Statistic::P50, false));
  const auto chosen = choose_statistic(table, Metric::Ttft, Statistic::P50, true);
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->statistic, Statistic::Mean);
  EXPECT_FALSE(chosen->exact);
}

TEST(ChooseStatistic, NeverTakesAnotherMetric) {
  EXPECT_FALSE(choose_statistic(with({Statistic::Mean}), Metric::Tpot, Statistic::Mean, true));
}

TEST(ChooseStatistic, PrefersTheMeanBesideP50AndThePercentileNextDoor) {
  const auto pick = [](Statistic wanted, std::initializer_list<Statistic> there) {
    return choose_statistic(with(there), Metric::Ttft, wanted, true)->statistic;
  };
  EXPECT_EQ(pick(Statistic::P50, {Statistic::Mean, Statistic::P90}), Statistic::Mean);
  EXPECT_EQ(pick(Statistic::Mean, {Statistic::P50, Statistic::P90}), Statistic::P50);
  EXPECT_EQ(pick(Statistic::P90, {Statistic::Mean, Statistic::P99}), Statistic::P99);
  EXPECT_EQ(pick(Statistic::P90, {Statistic::Mean, Statistic::P50}), Statistic::Mean);
  EXPECT_EQ(pick(Statistic::P99, {Statistic::Mean, Statistic::P90}), Statistic::P90);
}

TEST(ByNearness, ListsEveryStatisticOnceAndItselfFirst) {
  for (const Statistic wanted : kStatistics) {
    const auto& order = by_nearness(wanted);
    EXPECT_EQ(order.front(), wanted);
    EXPECT_EQ(std::set<Statistic>(order.begin(), order.end()).size(), kStatistics.size());
  }
}

// Llama-3.1-8B on one H100, 247 tokens out: 40.6 ms to the first, 15 ms for each later one.
TEST(Formulas, AgreeWithEachOther) {
  const double e2e = e2e_ms(40.6, 15.0, 247);
  EXPECT_DOUBLE_EQ(e2e, 3730.6);
  EXPECT_NEAR(tpot_ms(e2e, 40.6, 247), 15.0, 1e-12);
  EXPECT_DOUBLE_EQ(ntpot_ms(e2e, 247), 3730.6 / 247);
}

TEST(Formulas, HaveNoAnswerWithoutTheirInputs) {
  EXPECT_TRUE(is_missing(e2e_ms(kMissing, 15, 247)));
  EXPECT_TRUE(is_missing(e2e_ms(40, kMissing, 247)));
  EXPECT_TRUE(is_missing(e2e_ms(40, 15, kMissing)));
  EXPECT_TRUE(is_missing(tpot_ms(3000, kMissing, 247)));
  EXPECT_TRUE(is_missing(tpot_ms(3000, 40, kMissing)));
  EXPECT_TRUE(is_missing(ntpot_ms(kMissing, 247)));
}

TEST(Formulas, HaveNoAnswerWhereTooFewTokensCameOut) {
  EXPECT_TRUE(is_missing(tpot_ms(40, 40, 1)));
  EXPECT_TRUE(is_missing(ntpot_ms(40, 0)));
  EXPECT_TRUE(is_missing(e2e_ms(40, 15, 0)));
  EXPECT_DOUBLE_EQ(e2e_ms(40, 15, 1), 40);
}

}  // namespace
}  // namespace kneepoint::metrics
