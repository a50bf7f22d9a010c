#include "app/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/deploy_live.h"

namespace kneepoint::app {
namespace {

MeasuredLoad measured(double running, double tpot_ms) {
  MeasuredLoad out;
  out.pods = 2;
  out.running = running;
  out.tpot_ms = tpot_ms;
  return out;
}

const json::Value kPromise = json::Object{{"running", 40}, {"tpotMs", 50.0}};

TEST(ProposedTarget, IsLowerWhereLatencyIsAboveThePromise) {
  const auto lower = propose_target(40, measured(36, 75), kPromise);
  ASSERT_TRUE(lower);
  EXPECT_EQ(lower->target, 24);  // 36 x 50 / 75
  EXPECT_THAT(lower->why, testing::HasSubstr("TPOT is 75.0 ms where 50.0 ms was promised"));
}

TEST(ProposedTarget, IsHigherWhereFullReplicasAreFast) {
  EXPECT_EQ(propose_target(40, measured(38, 36), kPromise)->target, 55);  // 40 x 50 / 36
  EXPECT_EQ(propose_target(40, measured(38, 10), kPromise)->target, 60) << "by half at most";
}

TEST(ProposedTarget, IsNoneWhereTheLoadDoesNotTell) {
  EXPECT_FALSE(propose_target(40, measured(5, 20), kPromise)) << "fast, but nearly idle";
  EXPECT_FALSE(propose_target(40, measured(80, 90), kPromise)) << "slow under too much load";
  EXPECT_FALSE(propose_target(40, measured(38, 52), kPromise)) << "as promised";
  EXPECT_FALSE(propose_target(40, measured(38, 75), nullptr)) << "nothing was promised";
  EXPECT_FALSE(propose_target(40, MeasuredLoad{}, kPromise)) << "nothing was measured";
}

TEST(ReadScaler, TellsTheSeriesBehindTheNameOfTheMetric) {
  const ScalerStatus scaler = read_scaler(json::parse(R"({
    "metadata":{"name":"h","namespace":"n"},
    "spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"maxReplicas":5,"metrics":[
      {"type":"Pods","pods":{"metric":{"name":
        "prometheus.googleapis.com|vllm:num_requests_running|gauge"},
        "target":{"type":"AverageValue","averageValue":"24"}}}]},
    "status":{"currentReplicas":2,"desiredReplicas":3,"currentMetrics":[{"type":"Pods","pods":
      {"metric":{"name":"prometheus.googleapis.com|vllm:num_requests_running|gauge"},
       "current":{"averageValue":"31500m"}}}]}})")
                                              ->get_object());
  EXPECT_EQ(scaler.target.name, "d");
  EXPECT_EQ(scaler.desired, 3);
  ASSERT_EQ(scaler.metrics.size(), 1u);
  EXPECT_EQ(scaler.metrics[0].series, "vllm:num_requests_running");
  EXPECT_EQ(scaler.metrics[0].target, "24");
  EXPECT_EQ(scaler.metrics[0].current, "31500m");
}

TEST(ServingPort, IsTheOneCalledHttpElseTheFirst) {
  const auto port = [](const char* ports) {
    return serving_port(
        json::parse(std::string(R"({"spec":{"template":{"spec":{"containers":[{"ports":)") + ports +
                    "}]}}}}")
            ->get_object());
  };
  EXPECT_EQ(port(R"([{"containerPort":9000},{"name":"http","containerPort":8000}])"), 8000);
  EXPECT_EQ(port(R"([{"containerPort":9000}])"), 9000);
  EXPECT_EQ(port("[]"), 0);
}

}  // namespace
}  // namespace kneepoint::app
