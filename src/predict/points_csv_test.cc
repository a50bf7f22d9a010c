#include "predict/points_csv.h"

#include <gtest/gtest.h>

namespace kneepoint::predict {
namespace {

constexpr std::string_view kHeader =
    "point_id,source,model,model_server,model_server_version,accelerator,accelerator_count,"
    "tensor_parallel,workload,input_tokens_nominal,output_tokens_mean,load_kind,load_value,"
    "ttft_mean_ms,tpot_mean_ms,speculative_decoding,server_settings,unknown_column\n";
constexpr std::string_view kRow =
    "p-1,somebody,m/a,vllm,0.11.2,nvidia-l4,2,2,random:1024/128:range0.8,1024,115.2,concurrency,16,"
    "120.5,9.5,none,max-num-seqs=64;x=1,whatever\n";

Result<std::vector<MeasuredPoint>> read(std::string_view rows,
                                        Columns columns = Columns::ConfigurationAndMeasured) {
  return read_points_csv(std::string(kHeader) + std::string(rows), "points.csv", columns);
}

TEST(PointsCsv, ReadsConfigurationAndMeasurements) {
  const auto points = read(kRow);
  ASSERT_TRUE(points) << points.error().message;
  ASSERT_EQ(points->size(), 1U);
  const MeasuredPoint& p = points->front();
  EXPECT_EQ(p.id, "p-1");
  EXPECT_EQ(p.line, 2U);
  EXPECT_EQ(p.question.setup.tensor_parallel, 2);
  EXPECT_EQ(p.question.setup.decoding, "serving");
  EXPECT_EQ(p.question.load, 16);
  EXPECT_EQ(p.question.workload.output_tokens_mean, 115.2);
  EXPECT_EQ(p.latency.get(metrics::Metric::Ttft, metrics::Statistic::Mean), 120.5);
  EXPECT_TRUE(p.question.answer_anyway);
}

TEST(PointsCsv, NeverLooksAtMeasuredColumnsForPredicting) {
  std::string row(kRow);
  row.replace(row.find("120.5"), 5, "oops!");
  const auto points = read(row, Columns::Configuration);
  ASSERT_TRUE(points) << points.error().message;
  EXPECT_FALSE(points->front().latency.has(metrics::Metric::Tpot, metrics::Statistic::Mean));
  EXPECT_FALSE(read(row));
}

TEST(PointsCsv, WorkersOfEachRoleMakeASetupDisaggregated) {
  const std::string header =
      "point_id,model,model_server,accelerator,load_kind,load_value,prefill_workers,"
      "prefill_tensor_parallel,prefill_attention_dp,decode_workers,decode_tensor_parallel\n";
  const auto points = read_points_csv(header + "p,m,vllm,nvidia-l4,concurrency,4,2,4,true,3,8\n",
                                      "f.csv", Columns::Configuration);
  ASSERT_TRUE(points) << points.error().message;
  const profile::ServingSetup& setup = points->front().question.setup;
  EXPECT_EQ(setup.decoding, "disaggregated");
  EXPECT_EQ(setup.prefill.workers, 2);
  EXPECT_EQ(setup.prefill.tensor_parallel, 4);
  EXPECT_EQ(setup.prefill.attention_dp, true);
  EXPECT_EQ(setup.decode.tensor_parallel, 8);
  EXPECT_FALSE(setup.decode.attention_dp);
  const auto wrong = read_points_csv(header + "p,m,vllm,nvidia-l4,concurrency,4,2,4,yes,3,8\n",
                                     "f.csv", Columns::Configuration);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("prefill_attention_dp: 'yes' is not true or false"),
            std::string::npos)
      << wrong.error().message;
}

TEST(PointsCsv, ErrorsNameLineAndColumn) {
  const auto message = [](std::string_view from, std::string_view to) {
    std::string row(kRow);
    row.replace(row.find(from), from.size(), to);
    const auto points = read(std::string(kRow) + row);
    return points ? std::string() : points.error().message;
  };
  EXPECT_EQ(message(",16,", ",abc,"), "points.csv:3: load_value: 'abc' is not a number");
  EXPECT_EQ(message(",16,", ",0,"), "points.csv:3: load_value: '0' is not a number above 0");
  EXPECT_EQ(message("concurrency", "sometimes"),
            "points.csv:3: load_kind: 'sometimes' is not one of concurrency, request_rate, burst");
  EXPECT_EQ(message("m/a", ""), "points.csv:3: model: must not be empty");
  EXPECT_EQ(message(",2,2,", ",2,1.5,"),
            "points.csv:3: tensor_parallel: '1.5' is not a whole number");
  EXPECT_EQ(message(",9.5,", ",9.5,9.5,"), "points.csv:3: 19 cells where the header has 18");
}

TEST(PointsCsv, ANeededColumnThatIsMissingIsNamed) {
  const auto points = read_points_csv("point_id,model\np,m\n", "f.csv", Columns::Configuration);
  ASSERT_FALSE(points);
  EXPECT_EQ(points.error().message, "f.csv:1: column 'model_server' is missing");
}

TEST(PointsCsv, AnOfflineRunIsABurst) {
  std::string row(kRow);
  row.replace(row.find("concurrency"), 11, "offline");
  const auto points = read(row);
  ASSERT_TRUE(points) << points.error().message;
  EXPECT_EQ(points->front().question.load_kind, curve::LoadKind::Burst);
}

TEST(PointsCsv, WritesARowPerPoint) {
  const auto points = read(kRow);
  ASSERT_TRUE(points);
  Prediction p;
  p.ttft_mean_ms = {100, 80, 125};
  p.tpot_mean_ms = {10, 9, 11};
  p.e2e_mean_ms = {1242, 1100, 1400};
  p.extrapolated = {"this, too", "that"};
  EXPECT_EQ(write_predictions_csv(*points, std::vector{p}),
            "point_id,predicted_ttft_mean_ms,predicted_ttft_mean_ms_low,"
            "predicted_ttft_mean_ms_high,predicted_tpot_mean_ms,predicted_tpot_mean_ms_low,"
            "predicted_tpot_mean_ms_high,predicted_e2e_mean_ms,predicted_e2e_mean_ms_low,"
            "predicted_e2e_mean_ms_high,saturated,distance,nearest,anchors,extrapolated\n"
            "p-1,100,80,125,10,9,11,1242,1100,1400,no,far,,0,\"this, too; that\"\n");
}

}  // namespace
}  // namespace kneepoint::predict
