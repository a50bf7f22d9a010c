#include "report/bench_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "report/golden.h"
#include "report/testing/bench_points.h"

namespace kneepoint::report {
namespace {

using ::testing::HasSubstr;
using testing::hostile_report;
using testing::made_report;
using ::testing::Not;

TEST(BenchCsv, HasOneRowForEachPoint) {
  const std::string csv = bench_csv(made_report({1, 4, 16, 32, 64}));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 6);
  expect_golden("bench.csv", csv);
}

TEST(BenchCsv, OfNoPointIsItsColumns) {
  const std::string csv = bench_csv({});
  EXPECT_THAT(csv, ::testing::StartsWith("point,model,started_at,load_kind,load,place,is_knee,"));
  EXPECT_EQ(std::ranges::count(csv, '\n'), 1);
}

TEST(BenchTable, IsForPeople) {
  expect_golden("bench.txt", bench_table(made_report({1, 4, 16, 32, 64})));
  expect_golden("bench_trouble.txt", bench_table(hostile_report()));
}

TEST(BenchTable, ShowsNoPasswordOfTheTarget) {
  EXPECT_THAT(bench_table(hostile_report()), Not(HasSubstr("secret")));
}

TEST(Verdict, LeavesPointsThatDoNotCountOutOfTheKnee) {
  BenchReport report = made_report();
  const BenchCurve all = curve_of(report);
  ASSERT_EQ(all.knee.state, curve::KneeState::Found);
  const std::size_t at = all.order[all.knee.index];
  report.points[at].self.valid = false;
  const BenchCurve without = curve_of(report);
  EXPECT_NE(without.knee_record(), at);
  EXPECT_EQ(without.zones[all.knee.index], curve::Zone::Unknown);
}

TEST(Verdict, TakesTheKindOfLoadThatMostPointsHave) {
  BenchReport report = made_report();
  report.points[0].spec.in_flight.reset();
  report.points[0].spec.arrivals = workload::Arrivals{.rate = 12};
  const BenchCurve curve = curve_of(report);
  EXPECT_EQ(curve.kind, curve::LoadKind::Concurrency);
  EXPECT_THAT(curve.of_another_kind, ::testing::ElementsAre(0U));
}

TEST(Verdict, SaysWhatIsMissingForAKnee) {
  const auto headline = [](const BenchReport& report) {
    return verdict_of(report, curve_of(report)).headline;
  };
  EXPECT_EQ(headline({}), "No load point was measured");
  EXPECT_THAT(headline(made_report({1, 2})), HasSubstr("2 loads count, it takes 4"));
  EXPECT_THAT(headline(made_report({1, 2, 3, 4})), HasSubstr("No knee up to 4 clients"));
}

TEST(WithoutCredentials, DropsUserAndPassword) {
  EXPECT_EQ(without_credentials("http://user:pw@host:80/v1"), "http://host:80/v1");
  EXPECT_EQ(without_credentials("http://host/a@b"), "http://host/a@b");
  EXPECT_EQ(without_credentials("http://a@b@host"), "http://host");
  EXPECT_EQ(without_credentials(""), "");
}

}  // namespace
}  // namespace kneepoint::report
