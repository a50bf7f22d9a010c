#include "autoscale/fleet.h"

#include <gtest/gtest.h>

#include "autoscale/scenario_json.h"
#include "base/file.h"
#include "base/text.h"

namespace kneepoint::autoscale {
namespace {

using std::chrono::seconds;

/// Replicas whenever they change, with the second.
std::vector<std::pair<int, int>> changes(const std::vector<Step>& steps) {
  std::vector<std::pair<int, int>> out;
  for (const Step& step : steps) {
    if (step.decision.replicas != step.replicas)
      out.emplace_back(std::chrono::duration_cast<seconds>(step.at).count(),
                       step.decision.replicas);
  }
  return out;
}

TEST(Fleet, NewPodsServeAfterTheirStartupAndAreTheFirstToGo) {
  Fleet fleet(2, seconds(60));
  fleet.scale_to(5, seconds(10));
  EXPECT_EQ(fleet.ready(seconds(69)), 2);
  EXPECT_EQ(fleet.ready(seconds(70)), 5);
  fleet.scale_to(6, seconds(80));
  fleet.scale_to(5, seconds(90));
  EXPECT_EQ(fleet.ready(seconds(90)), 5);
}

// The same scenarios as the recorded ones, from their description alone: the model's own clock and
// pods come to the times and replicas that were recorded.
TEST(Fleet, AStepUpWithoutBehaviorGoesAsRecorded) {
  Scenario s;
  s.spec.max_replicas = 20;
  s.spec.metrics = {{MetricKind::PodsAverage, 10'000}};
  s.duration = seconds(380);
  s.startup = seconds(30);
  s.total = {{seconds(0), 8}, {seconds(65), 150}};
  EXPECT_EQ(changes(run(s)), (std::vector<std::pair<int, int>>{{75, 4}, {90, 8}, {105, 15}}));
}

TEST(Fleet, AStepDownWithoutBehaviorGoesAsRecorded) {
  Scenario s;
  s.spec.max_replicas = 20;
  s.spec.metrics = {{MetricKind::PodsAverage, 10'000}};
  s.replicas = 10;
  s.duration = seconds(380);
  s.total = {{seconds(0), 95}, {seconds(65), 20}};
  EXPECT_EQ(changes(run(s)), (std::vector<std::pair<int, int>>{{360, 2}}));
}

TEST(Fleet, AnExternalAverageGoesAsRecorded) {
  Scenario s;
  s.spec.max_replicas = 10;
  s.spec.metrics = {{MetricKind::ExternalAverage, 5'000}};
  s.spec.behavior.emplace();
  s.spec.behavior->down.stabilization_seconds = 60;
  s.duration = seconds(340);
  s.startup = seconds(60);
  s.total = {{seconds(0), 0}, {seconds(50), 38}, {seconds(250), 4}};
  EXPECT_EQ(changes(run(s)), (std::vector<std::pair<int, int>>{{60, 5}, {75, 8}, {300, 1}}));
}

/// tests/data/hpa/controller-in-virtual-time.jsonl: random scenarios of half an hour, and when the
/// controller's own code, run in virtual time, changed the replicas.
TEST(Fleet, RandomScenariosGoAsTheControllersOwnCodeHasThem) {
  const auto text =
      read_file(KP_SOURCE_DIR "/tests/data/hpa/controller-in-virtual-time.jsonl").value();
  int scenarios = 0;
  int syncs = 0;
  for (const auto line : split(text, '\n')) {
    const auto document = json::parse(line).value().as_object();
    const auto scenario = scenario_of(document);
    ASSERT_TRUE(scenario) << scenario.error().message;
    const auto steps = run(*scenario);
    std::vector<std::pair<long, int>> wanted;
    for (const auto& change : document.at("changes").as_array())
      wanted.emplace_back(change.at(0).as_int64(), change.at(1).as_int64());
    std::vector<std::pair<long, int>> got;
    for (const Step& step : steps) {
      if (step.decision.replicas != step.replicas)
        got.emplace_back(step.at.count(), step.decision.replicas);
    }
    EXPECT_EQ(got, wanted) << "line " << scenarios + 1;
    ++scenarios;
    syncs += static_cast<int>(steps.size());
  }
  EXPECT_EQ(scenarios, 100);
  EXPECT_EQ(syncs, 11'900);
}

}  // namespace
}  // namespace kneepoint::autoscale
