#include "autoscale/hpa.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "autoscale/spec_json.h"
#include "base/file.h"

namespace kneepoint::autoscale {
namespace {

using std::chrono::seconds;

Spec pods_spec(int least, int most, std::int64_t target_milli) {
  Spec spec;
  spec.min_replicas = least;
  spec.max_replicas = most;
  spec.metrics = {{MetricKind::PodsAverage, target_milli}};
  return spec;
}

/// `replicas` pods, all of which report `each`.
Sync all_report(int second, int replicas, double each) {
  Sync seen;
  seen.at = seconds(second);
  seen.replicas = seen.status_replicas = seen.ready = replicas;
  seen.readings = {Reading{replicas, replicas * static_cast<std::int64_t>(each * 1000)}};
  return seen;
}

std::string_view name(Limit limit) {
  switch (limit) {
    case Limit::None:
      return "DesiredWithinRange";
    case Limit::ScaleUpLimit:
      return "ScaleUpLimit";
    case Limit::ScaleDownLimit:
      return "ScaleDownLimit";
    case Limit::TooManyReplicas:
      return "TooManyReplicas";
    case Limit::TooFewReplicas:
      return "TooFewReplicas";
  }
  return "";
}

/// tests/data/hpa: what a real controller was told at each sync, and what it did.
TEST(HpaTraces, EverySyncIsDecidedAsTheRealControllerDid) {
  int traces = 0;
  int syncs = 0;
  for (const auto& file : std::filesystem::directory_iterator(KP_SOURCE_DIR "/tests/data/hpa")) {
    if (file.path().extension() != ".json") continue;
    SCOPED_TRACE(file.path().filename().string());
    const auto document = json::parse(read_file(file.path()).value()).value().as_object();
    const auto spec = spec_of(document.at("hpa").as_object());
    ASSERT_TRUE(spec) << spec.error().message;
    const bool pods = spec->metrics.front().kind == MetricKind::PodsAverage;
    Hpa hpa(*spec);
    ++traces;
    for (const auto& row : document.at("syncs").as_array()) {
      const auto& cells = row.as_array();
      const auto number = [&](std::size_t i) { return static_cast<int>(cells.at(i).as_int64()); };
      Sync seen;
      seen.at = Time(cells.at(0).as_int64());
      seen.replicas = number(1);
      seen.status_replicas = number(2);
      seen.ready = number(3);
      seen.silent = pods ? number(5) : 0;
      seen.readings = {Reading{number(4), cells.at(6).as_int64()}};
      const Decision decision = hpa.sync(seen);
      EXPECT_EQ(decision.replicas, number(7)) << "at " << seen.at.count() << " ms";
      EXPECT_EQ(name(decision.limit), std::string_view(cells.at(8).as_string()))
          << "at " << seen.at.count() << " ms";
      ++syncs;
    }
  }
  EXPECT_EQ(traces, 9);
  EXPECT_EQ(syncs, 222);
}

TEST(Hpa, WithoutBehaviorASyncAtMostDoublesOrReachesFour) {
  Hpa hpa(pods_spec(1, 20, 10'000));
  EXPECT_EQ(hpa.sync(all_report(15, 1, 150)).replicas, 4);
  EXPECT_EQ(hpa.sync(all_report(30, 4, 150)).replicas, 8);
}

TEST(Hpa, AnEmptyBehaviorHasOtherLimitsThanNone) {
  Spec spec = pods_spec(1, 20, 10'000);
  spec.behavior.emplace();
  Hpa hpa(spec);
  EXPECT_EQ(hpa.sync(all_report(15, 1, 150)).replicas, 5);
}

TEST(Hpa, AToleranceCountsItsEnds) {
  Spec spec = pods_spec(1, 20, 10'000);
  EXPECT_EQ(Hpa(spec).sync(all_report(15, 4, 11)).replicas, 4);
  EXPECT_EQ(Hpa(spec).sync(all_report(15, 4, 11.01)).replicas, 5);
  spec.behavior.emplace();
  spec.behavior->up.tolerance = 0.3;
  EXPECT_EQ(Hpa(spec).sync(all_report(15, 4, 13)).replicas, 4);
  EXPECT_EQ(Hpa(spec).sync(all_report(15, 4, 13.1)).replicas, 6);
}

TEST(Hpa, PodsThatDoNotReportCountAsIdleOnTheWayUpAndAtTheTargetOnTheWayDown) {
  const Spec spec = pods_spec(1, 50, 10'000);
  Sync seen = all_report(15, 4, 40);
  seen.replicas = seen.status_replicas = 8;
  seen.silent = 4;  // 160 over 8 pods: 20 each
  EXPECT_EQ(Hpa(spec).sync(seen).replicas, 16);
  seen.readings = {Reading{4, 4 * 15'000}};  // 60 over 8: less than the target: no turn
  EXPECT_EQ(Hpa(spec).sync(seen).replicas, 8);
  Spec quick = spec;
  quick.behavior.emplace();
  quick.behavior->down.stabilization_seconds = 0;
  seen.readings = {Reading{4, 4 * 2'000}};  // (4 x 2 + 4 x 10) / 8 = 6
  EXPECT_EQ(Hpa(quick).sync(seen).replicas, 5);
}

TEST(Hpa, PendingPodsCountOnTheWayUpOnly) {
  Spec spec = pods_spec(1, 50, 10'000);
  spec.behavior.emplace();
  spec.behavior->down.stabilization_seconds = 0;
  Sync seen = all_report(15, 4, 15);
  seen.replicas = seen.status_replicas = 6;
  seen.pending = 2;  // 60 over 6: at the target
  EXPECT_EQ(Hpa(spec).sync(seen).replicas, 6);
  seen.readings = {Reading{4, 4 * 5'000}};  // ceil(0.5 x 4)
  EXPECT_EQ(Hpa(spec).sync(seen).replicas, 2);
}

TEST(Hpa, WithoutAnAnswerOfTheMetricsApiNothingChanges) {
  Hpa hpa(pods_spec(1, 20, 10'000));
  Sync seen = all_report(15, 4, 150);
  seen.readings = {std::nullopt};
  EXPECT_EQ(hpa.sync(seen).replicas, 4);
  EXPECT_FALSE(hpa.sync(seen).recommended);
  seen.readings = {Reading{0, 0}};  // pods exist, none reports
  seen.silent = 4;
  EXPECT_EQ(hpa.sync(seen).replicas, 4);
  seen.readings.clear();
  EXPECT_EQ(hpa.sync(seen).replicas, 4);
}

TEST(Hpa, OfSeveralMetricsTheLargestAnswerCountsAndAFailedOneStopsTheWayDown) {
  Spec spec = pods_spec(1, 20, 10'000);
  spec.metrics.push_back({MetricKind::ExternalAverage, 5'000});
  spec.behavior.emplace();
  spec.behavior->down.stabilization_seconds = 0;
  Sync seen = all_report(15, 4, 10);
  seen.readings.emplace_back(Reading{0, 35'000});
  EXPECT_EQ(Hpa(spec).sync(seen).replicas, 7);
  seen.readings = {Reading{4, 4'000}, std::nullopt};
  EXPECT_EQ(Hpa(spec).sync(seen).replicas, 4);
  seen.readings = {Reading{4, 80'000}, std::nullopt};
  EXPECT_EQ(Hpa(spec).sync(seen).replicas, 8);
}

TEST(Hpa, ReplicasOutsideTheRangeAreBroughtBackWithoutAMetric) {
  Sync seen = all_report(15, 9, 10);
  seen.readings = {std::nullopt};
  EXPECT_EQ(Hpa(pods_spec(1, 6, 10'000)).sync(seen).replicas, 6);
  EXPECT_EQ(Hpa(pods_spec(12, 20, 10'000)).sync(seen).replicas, 12);
}

TEST(Hpa, NoReplicasMeansThatSomebodyTurnedItOff) {
  EXPECT_EQ(Hpa(pods_spec(1, 6, 10'000)).sync(all_report(15, 0, 0)).replicas, 0);
}

// The controller computes in doubles and rounds up, so 12 % on top of 25 pods are 4, not 3.
TEST(Hpa, RoundsAsTheControllerDoes) {
  Spec spec = pods_spec(1, 50, 10'000);
  spec.behavior.emplace();
  spec.behavior->up.policies = {{PolicyType::Percent, 12, 60}};
  EXPECT_EQ(Hpa(spec).sync(all_report(15, 25, 100)).replicas, 29);
}

TEST(SpecJson, ReadsQuantitiesInThousandths) {
  EXPECT_EQ(milli_quantity("10"), 10'000);
  EXPECT_EQ(milli_quantity("2500m"), 2'500);
  EXPECT_EQ(milli_quantity("0.07"), 70);
  EXPECT_EQ(milli_quantity("0.0001"), 1);
  EXPECT_EQ(milli_quantity("1k"), 1'000'000);
  for (const char* wrong : {"", "m", "-1", "1e3", "ten", "1 ", "0x10", "1..2", "99999999999G"})
    EXPECT_FALSE(milli_quantity(wrong)) << wrong;
}

TEST(SpecJson, NamesTheFieldThatIsWrong) {
  const auto said = [](std::string_view text) {
    const auto spec = spec_of(json::parse(text).value().as_object());
    return spec ? std::string() : spec.error().message;
  };
  const std::string metrics =
      R"("metrics":[{"type":"Pods","pods":{"target":{"type":"AverageValue","averageValue":"5"}}}])";
  EXPECT_EQ(said("{\"maxReplicas\":3," + metrics + "}"), "");
  EXPECT_NE(said("{" + metrics + "}").find("maxReplicas"), std::string::npos);
  EXPECT_NE(said("{\"maxReplicas\":3}").find("metrics"), std::string::npos);
  EXPECT_NE(said(R"({"maxReplicas":3,"metrics":[{"type":"Resource"}]})").find("Resource"),
            std::string::npos);
  EXPECT_NE(said("{\"maxReplicas\":3,\"behavior\":{\"scaleUp\":{\"policies\":[{\"type\":\"Pods\","
                 "\"value\":1,\"periodSeconds\":3600}]}}," +
                 metrics + "}")
                .find("periodSeconds"),
            std::string::npos);
}

}  // namespace
}  // namespace kneepoint::autoscale
