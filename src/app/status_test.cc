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
  const auto lower = propose_target(32, measured(36, 75), kPromise);
  ASSERT_TRUE(lower);
  EXPECT_DOUBLE_EQ(lower->point, 24);    // 36 x 50 / 75
  EXPECT_DOUBLE_EQ(lower->buffer, 0.2);  // as 32 is below 40
  EXPECT_EQ(lower->target, 19);          // 24 x 0.8
  EXPECT_THAT(lower->why, testing::HasSubstr("TPOT is 75.0 ms where 50.0 ms was promised at 36.0 "
                                             "running requests per replica"));
  EXPECT_THAT(lower->why, testing::HasSubstr("on 2 pods"));
  EXPECT_THAT(lower->why, testing::HasSubstr("at 24.0 of them, less 20 %"));
}

TEST(ProposedTarget, IsHigherWhereFullReplicasAreFast) {
  EXPECT_EQ(propose_target(32, measured(30, 36), kPromise)->target, 33);  // 30 x 50 / 36 x 0.8
  EXPECT_EQ(propose_target(32, measured(30, 10), kPromise)->target, 36) << "half more at most";
  EXPECT_FALSE(propose_target(32, measured(28, 39), kPromise)) << "no more than it is";
}

TEST(ProposedTarget, KeepsAUsualBufferWhereNoneWasSet) {
  const auto lower = propose_target(50, measured(36, 75), kPromise);
  ASSERT_TRUE(lower);
  EXPECT_GT(lower->buffer, 0.1);
  EXPECT_LE(lower->buffer, 0.2);
}

TEST(ProposedTarget, IsNoneWhereTheLoadDoesNotTell) {
  EXPECT_FALSE(propose_target(40, measured(5, 20), kPromise)) << "fast, but nearly idle";
  EXPECT_FALSE(propose_target(40, measured(80, 90), kPromise)) << "slow under too much load";
  EXPECT_FALSE(propose_target(40, measured(38, 52), kPromise)) << "as promised";
  EXPECT_FALSE(propose_target(40, measured(38, 75), nullptr)) << "nothing was promised";
  EXPECT_FALSE(propose_target(40, MeasuredLoad{}, kPromise)) << "nothing was measured";
  MeasuredLoad grows = measured(36, 75);
  grows.running_most = 70;
  EXPECT_FALSE(propose_target(40, grows, kPromise)) << "these latencies are of less than its mean";
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
