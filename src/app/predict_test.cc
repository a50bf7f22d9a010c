#include "app/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/predict_points.h"
#include "app/testing/fake_predictor.h"
#include "base/text.h"
#include "catalog/csv.h"
#include "profile/predicted_table.h"

namespace kneepoint::app {
namespace {

using metrics::Metric;
using metrics::Statistic;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

predict::Question question() {
  predict::Question out;
  out.setup.model = "m";
  out.setup.model_server = "vllm";
  out.setup.accelerator = "nvidia-l4";
  out.setup.accelerator_count = 1;
  out.workload = profile::fixed_lengths(1000, 101);
  return out;
}

TEST(PredictCurve, ClimbsUntilThroughputStopsRising) {
  const auto curve = predict_curve(FakePredictor(), {question(), {}});
  ASSERT_TRUE(curve);
  const auto& points = curve->profile.points;
  EXPECT_GE(points.size(), 8u);
  EXPECT_LE(points.size(), kMostCurveLoads);
  EXPECT_EQ(points.front().at.load, 1);
  EXPECT_EQ(points.back().at.load, 1024);  // 256 run at once: 512 and 1024 buy nothing
  EXPECT_EQ(curve->knee.state, curve::KneeState::Found);
  for (std::size_t i = 1; i < points.size(); ++i) {
    EXPECT_LT(points[i - 1].at.load, points[i].at.load);
  }
}

TEST(PredictCurve, AnswersAtTheLoadsAskedFor) {
  const auto curve = predict_curve(FakePredictor(), {question(), {3, 40}});
  ASSERT_TRUE(curve);
  ASSERT_EQ(curve->profile.points.size(), 2u);
  EXPECT_EQ(curve->profile.points[1].at.load, 40);
  EXPECT_FALSE(curve->whole);
}

TEST(PredictCurve, MarksEverythingAsPredicted) {
  const auto curve = predict_curve(FakePredictor(), {question(), {8}});
  ASSERT_TRUE(curve);
  const profile::Evidence& evidence = curve->profile.evidence;
  EXPECT_EQ(evidence.kind, profile::EvidenceKind::Predicted);
  EXPECT_EQ(evidence.prediction.by, "fake-1");
  EXPECT_EQ(evidence.prediction.nearest, "g-nearest");
  EXPECT_EQ(evidence.prediction.extrapolated, "no kernel table, roofline");
  EXPECT_NEAR(*evidence.prediction.ttft_error, 1.5, 1e-9);
  const profile::Point& point = curve->profile.points.front();
  EXPECT_NEAR(*point.bands.tpot_low, point.at.latency.get(Metric::Tpot, Statistic::Mean) / 1.1,
              1e-9);
}

TEST(PredictCurve, FillsInWhatFollowsByDefinition) {
  const auto curve = predict_curve(FakePredictor(), {question(), {8}});
  ASSERT_TRUE(curve);
  const auto& at = curve->profile.points.front().at;
  const double e2e = at.latency.get(Metric::E2e, Statistic::Mean);
  EXPECT_NEAR(at.latency.get(Metric::Ntpot, Statistic::Mean), e2e / 101, 1e-9);
  EXPECT_NEAR(at.requests_per_second * e2e / 1000, 8, 1e-9);
  EXPECT_NEAR(at.input_tokens_per_second, at.requests_per_second * 1000, 1e-9);
}

TEST(PredictCurve, SaysWhyNothingIsPredicted) {
  predict::Question q = question();
  q.setup.accelerator = "broken";
  const auto curve = predict_curve(FakePredictor(), {q, {}});
  ASSERT_FALSE(curve);
  EXPECT_THAT(curve.error().message, HasSubstr("broken"));
}

constexpr std::string_view kHeader =
    "point_id,model,model_server,accelerator,load_kind,load_value,input_tokens_mean,"
    "output_tokens_mean,tpot_mean_ms\n";

std::vector<std::vector<std::string>> rows_of(const std::string& csv) {
  std::vector<std::vector<std::string>> out;
  auto records = catalog::parse_csv(csv);
  if (!records) return out;
  for (auto& record : *records) out.push_back(std::move(record.cells));
  return out;
}

TEST(PredictPoints, AnswersEachRowAndKeepsItsColumns) {
  const FakePredictor predictor;
  const std::string text = std::string(kHeader) +
                           "a,m,vllm,nvidia-l4,concurrency,8,1000,101,999\n"
                           "b,m,vllm,nvidia-l4,concurrency,16,1000,101,\n";
  const auto done = predict_points(predictor, text, "points.csv", 2, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->rows, 2u);
  EXPECT_EQ(done->failed, 0u);
  const auto rows = rows_of(done->csv);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0][0], "point_id");
  EXPECT_EQ(rows[0][9], "predicted_ttft_mean_ms");
  EXPECT_EQ(rows[0][13], "predicted_tpot_mean_ms_low");
  EXPECT_EQ(rows[1][0], "a");
  EXPECT_EQ(rows[1][8], "999");    // kept, not read
  EXPECT_EQ(rows[1][12], "10.8");  // 10 ms and 8 x 0.1 ms
  EXPECT_EQ(rows[2][12], "11.6");
}

TEST(PredictPoints, NamesTheRowThatCannotBePredictedAndAnswersTheOthers) {
  const FakePredictor predictor;
  const std::string text = std::string(kHeader) +
                           "a,m,vllm,nvidia-l4,concurrency,8,1000,101,\n"
                           "b,m,vllm,broken,concurrency,8,1000,101,\n"
                           "c,m,vllm,nvidia-l4,concurrency,lots,1000,101,\n";
  const auto done = predict_points(predictor, text, "points.csv", 1, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->failed, 2u);
  EXPECT_THAT(done->first_error, HasSubstr("broken"));
  const auto rows = rows_of(done->csv);
  EXPECT_EQ(rows[1].back(), "");
  EXPECT_THAT(rows[2].back(), HasSubstr("broken"));
  EXPECT_EQ(rows[2][12], "");
  EXPECT_THAT(rows[3].back(), HasSubstr("lots"));
}

TEST(PredictPoints, TheAnswerDoesNotDependOnThreads) {
  const FakePredictor predictor;
  std::string text(kHeader);
  for (int i = 1; i <= 200; ++i) {
    text += "p" + std::to_string(i) + ",m,vllm,nvidia-l4,concurrency," + std::to_string(i) +
            ",1000,101,\n";
  }
  const auto one = predict_points(predictor, text, "points.csv", 1, {});
  const auto four = predict_points(predictor, text, "points.csv", 4, {});
  ASSERT_TRUE(one && four);
  EXPECT_EQ(one->csv, four->csv);
}

TEST(PredictPoints, ReplacesAnswersOfAnEarlierRun) {
  const FakePredictor predictor;
  const std::string text = std::string(kHeader) + "a,m,vllm,nvidia-l4,concurrency,8,1000,101,\n";
  const auto once = predict_points(predictor, text, "points.csv", 1, {});
  ASSERT_TRUE(once);
  const auto again = predict_points(predictor, once->csv, "points.csv", 1, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->csv, once->csv);
}

TEST(PredictPoints, RefusesAFileWithoutIds) {
  const auto done = predict_points(FakePredictor(), "model\nm\n", "points.csv", 1, {});
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("point_id"));
}

}  // namespace
}  // namespace kneepoint::app
