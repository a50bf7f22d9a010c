#include "report/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/golden.h"
#include "report/testing/bench_points.h"

namespace kneepoint::report {
namespace {

using ::testing::HasSubstr;
using testing::made_report;
using ::testing::StartsWith;

const std::vector<std::int64_t> kLoads{1, 4, 16, 32};

const Difference& find(const Comparison& comparison, double load, std::string_view key) {
  for (const Difference& one : comparison.differences) {
    if (one.load == load && one.key == key) return one;
  }
  throw std::runtime_error("no such figure");
}

TEST(Compare, FindsNothingBetweenARunAndItself) {
  const BenchReport report = made_report(kLoads);
  const Comparison same = compare(report, report);
  EXPECT_TRUE(same.comparable());
  EXPECT_EQ(same.worst(0), nullptr);
  EXPECT_EQ(same.verdict, "No significant difference in any of 28 figures");
}

TEST(Compare, FindsNothingBetweenTwoRunsOfOneServer) {
  int significant = 0, judged = 0;
  for (std::uint64_t seed = 100; seed < 120; ++seed) {
    const Comparison same = compare(made_report(kLoads, seed), made_report(kLoads, seed + 1000));
    for (const Difference& one : same.differences) {
      significant += one.judgement == Judgement::Better || one.judgement == Judgement::Worse;
      judged += one.judgement != Judgement::CannotTell;
    }
  }
  EXPECT_GT(judged, 400);
  EXPECT_LE(significant, 2);  // of 20 comparisons, each with 5 % for one of its figures
}

TEST(Compare, FindsASlowerServer) {
  const Comparison slower =
      compare(made_report(kLoads), made_report(kLoads, 8, {.ttft_ms = 54, .itl_ms = 9}));
  EXPECT_EQ(find(slower, 4, "ttft_p50_ms").judgement, Judgement::Worse);
  EXPECT_EQ(find(slower, 4, "ttft_mean_ms").judgement, Judgement::Worse);
  EXPECT_NEAR(find(slower, 4, "ttft_p50_ms").change, 0.2, 0.03);
  EXPECT_NE(find(slower, 4, "itl_p50_ms").judgement, Judgement::Worse);
  EXPECT_THAT(slower.verdict, StartsWith("B is significantly worse in "));
  ASSERT_NE(slower.worst(0.1), nullptr);
  EXPECT_EQ(slower.worst(0.5), nullptr);

  const Comparison faster =
      compare(made_report(kLoads, 8, {.ttft_ms = 54, .itl_ms = 9}), made_report(kLoads));
  EXPECT_EQ(find(faster, 4, "ttft_p50_ms").judgement, Judgement::Better);
  EXPECT_EQ(faster.worst(0), nullptr);
}

TEST(Compare, MoreTokensAreBetter) {
  const Comparison more =
      compare(made_report(kLoads), made_report(kLoads, 7, {.most_tokens_per_second = 3600}));
  EXPECT_EQ(find(more, 32, "output_tokens_per_second").judgement, Judgement::Better);
}

TEST(Compare, DoesNotJudgeATailOfTooFewValues) {
  const BenchReport few = made_report(kLoads, 7, {.requests = 120});
  const Difference& tail = find(compare(few, few), 4, "ttft_p99_ms");
  EXPECT_EQ(tail.judgement, Judgement::CannotTell);
}

TEST(Compare, RefusesDifferentWorkloads) {
  BenchReport other = made_report(kLoads);
  for (run::PointRecord& point : other.points) {
    point.spec.lengths.input = *workload::parse_length("1024");
  }
  const Comparison comparison = compare(made_report(kLoads), other);
  EXPECT_FALSE(comparison.comparable());
  ASSERT_EQ(comparison.not_comparable.size(), 1U);
  EXPECT_THAT(comparison.verdict, HasSubstr("Not comparable: the workloads differ in "));
  EXPECT_THAT(comparison.not_comparable[0].what, HasSubstr("input"));
  EXPECT_EQ(comparison.worst(0), nullptr);
}

TEST(Compare, TellsWhatElseDiffersAndWhatIsLeftOut) {
  BenchReport other = made_report({4, 16, 32, 64});
  other.facts.server_version = "0.12.0";
  other.points[0].self.valid = false;
  other.points[0].self.reason = "busy";
  for (run::PointRecord& point : other.points) point.spec.seed = 43;
  const Comparison comparison = compare(made_report(kLoads), other);
  EXPECT_TRUE(comparison.comparable());
  EXPECT_THAT(comparison.left_out,
              ::testing::UnorderedElementsAre("4 clients of B: does not count, not valid: busy",
                                              "1 client: only in A", "4 clients: only in A",
                                              "64 clients: only in B"));
  EXPECT_EQ(comparison.context.size(), 2U);
}

TEST(Compare, OfNothingInCommonSaysSo) {
  EXPECT_EQ(compare(made_report({1, 2}), made_report({4, 8})).verdict,
            "Not comparable: no load was measured in both");
  EXPECT_FALSE(compare({}, {}).comparable());
}

TEST(CompareTable, IsForPeople) {
  const Comparison comparison =
      compare(made_report({4, 32}), made_report({4, 32}, 8, {.ttft_ms = 54}));
  expect_golden("compare.txt", compare_table(comparison));
  expect_golden("compare.json", json::to_text(to_json(comparison)));
}

}  // namespace
}  // namespace kneepoint::report
