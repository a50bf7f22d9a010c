#include "report/llmd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/bench_read.h"
#include "report/golden.h"
#include "report/testing/bench_points.h"

namespace kneepoint::report {
namespace {

using ::testing::HasSubstr;
using testing::hostile_report;
using testing::made_report;
using ::testing::Not;

// The golden was held to the published model and schema of llm-d; docs/exporting.md says how.
TEST(Llmd, WritesOneDocumentForEachLoad) {
  const std::string yaml = llmd_yaml(made_report({1, 32}));
  expect_golden("llmd.yaml", yaml);
}

TEST(Llmd, TimesAreInSeconds) {
  const BenchReport report = made_report({4});
  const json::Value document = llmd_document(report, 0);
  const json::Value& ttft = document.at("results")
                                .at("request_performance")
                                .at("aggregate")
                                .at("latency")
                                .at("time_to_first_token");
  EXPECT_NEAR(ttft.at("p99").as_double(),
              report.points[0].summary.of(metrics::Metric::Ttft).p99 / 1e3, 1e-9);
  EXPECT_EQ(ttft.at("units"), "s");
}

TEST(Llmd, HoldsNoPassword) { EXPECT_THAT(llmd_yaml(hostile_report()), Not(HasSubstr("secret"))); }

json::Value document_of(const BenchReport& report) {
  json::Array points;
  for (const run::PointRecord& point : report.points) points.push_back(run::to_json(point));
  return json::Object{
      {"schema", "kneepoint.bench-report.v1"},
      {"tool", json::Object{{"name", "kneepoint"}, {"version", "0.1.0"}}},
      {"target", json::Object{{"url", "http://u:p@h:1/v1"}, {"model", "m"}, {"temperature", 0}}},
      {"points", std::move(points)}};
}

TEST(BenchReportJson, IsReadBack) {
  const BenchReport made = made_report({1, 32});
  const auto read = bench_report_from_json(document_of(made));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->facts.model, "m");
  EXPECT_EQ(read->facts.target, "http://h:1/v1");
  EXPECT_EQ(read->facts.client, "kneepoint 0.1.0");
  EXPECT_EQ(read->facts.server, "vllm");
  ASSERT_EQ(read->points.size(), 2U);
  EXPECT_EQ(json::to_line(run::to_json(read->points[1])),
            json::to_line(run::to_json(made.points[1])));
}

TEST(BenchReportJson, RefusesWhatItIsNot) {
  const auto error = [](const char* text) {
    return bench_report_from_json(*json::parse(text)).error();
  };
  EXPECT_EQ(error("{}").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(error("[]").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(error(R"({"schema":"kneepoint.bench-report.v2"})").code, ErrorCode::Incompatible);
  EXPECT_THAT(error(R"({"schema":"kneepoint.bench-report.v1","points":{}})").message,
              HasSubstr("\"points\" must be a list"));
  EXPECT_THAT(error(R"({"schema":"kneepoint.bench-report.v1","points":[1]})").message,
              HasSubstr("points[0]: "));
}

}  // namespace
}  // namespace kneepoint::report
