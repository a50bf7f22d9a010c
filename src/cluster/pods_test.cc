#include "cluster/pods.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::cluster {
namespace {

using testing::HasSubstr;

PodView pod(const std::string& status, const std::string& node = "n") {
  return read_pod(json::parse(R"({"metadata":{"name":"p"},"spec":{"nodeName":")" + node +
                              R"("},"status":)" + status + "}")
                      ->get_object());
}

TEST(ReadPod, TellsHowFarItIs) {
  EXPECT_EQ(pod("{}", "").phase, PodPhase::Unscheduled);
  EXPECT_EQ(pod("{}", "").trouble, Trouble::None);
  EXPECT_EQ(pod(R"({"containerStatuses":[{"name":"s","state":{"waiting":
                  {"reason":"ContainerCreating"}}}]})")
                .phase,
            PodPhase::Starting);
  EXPECT_EQ(pod(R"({"initContainerStatuses":[{"name":"w","state":{"running":{}}}],
                  "containerStatuses":[{"name":"s","state":{"waiting":
                  {"reason":"PodInitializing"}}}]})")
                .phase,
            PodPhase::Preparing);
  EXPECT_EQ(pod(R"({"containerStatuses":[{"name":"s","state":{"running":{}}}]})").phase,
            PodPhase::Loading);
  EXPECT_EQ(pod(R"({"conditions":[{"type":"Ready","status":"True"}]})").phase, PodPhase::Ready);
  EXPECT_EQ(pod(R"({"phase":"Succeeded"})").phase, PodPhase::Done);
}

TEST(ReadPod, TellsWhyItWillNotBecomeReady) {
  const PodView nowhere = pod(R"({"conditions":[{"type":"PodScheduled","status":"False",
    "reason":"Unschedulable","message":"0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}]})",
                              "");
  EXPECT_EQ(nowhere.trouble, Trouble::NeverFits);
  EXPECT_THAT(nowhere.message, HasSubstr("Insufficient nvidia.com/gpu"));

  const PodView image = pod(R"({"containerStatuses":[{"name":"s","state":{"waiting":
    {"reason":"ImagePullBackOff","message":"Back-off pulling image"}}}]})");
  EXPECT_EQ(image.trouble, Trouble::Image);
  EXPECT_EQ(image.container, "s");

  const PodView setup = pod(R"({"containerStatuses":[{"name":"s","state":{"waiting":
    {"reason":"CreateContainerConfigError","message":"secret \"hf-secret\" not found"}}}]})");
  EXPECT_EQ(setup.trouble, Trouble::Setup);

  const PodView crash = pod(R"({"containerStatuses":[{"name":"s","restartCount":3,
    "state":{"waiting":{"reason":"CrashLoopBackOff","message":"back-off 40s"}},
    "lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]})");
  EXPECT_EQ(crash.trouble, Trouble::Crash);
  EXPECT_EQ(crash.restarts, 3);
  EXPECT_EQ(crash.message, "back-off 40s; last time exit code 137 (OOMKilled)");
}

TEST(ReadPod, IsNotAlarmedByOneRestart) {
  EXPECT_EQ(pod(R"({"containerStatuses":[{"name":"s","restartCount":1,"state":{"running":{}},
    "lastState":{"terminated":{"exitCode":1}}}]})")
                .phase,
            PodPhase::Loading);
  EXPECT_EQ(pod(R"({"containerStatuses":[{"name":"s","restartCount":2,"state":{"running":{}},
    "lastState":{"terminated":{"exitCode":1}}}]})")
                .trouble,
            Trouble::Crash);
}

TEST(ReadPod, TakesAnyJson) {
  for (const char* odd : {"{}", R"({"status":[]})", R"({"status":{"containerStatuses":{"a":1}}})",
                          R"({"metadata":5,"status":{"conditions":[1,null,"x"]}})"}) {
    EXPECT_EQ(read_pod(json::parse(odd)->get_object()).phase, PodPhase::Unscheduled);
  }
}

std::optional<Workload> workload(const std::string& text) {
  return read_workload(json::parse(text)->get_object());
}

TEST(ReadWorkload, IsDoneWhenAllReplicasAreNewAndThere) {
  const auto text = [](int replicas, int observed) {
    return R"({"kind":"Deployment","metadata":{"name":"d","generation":2},
      "spec":{"replicas":2,"selector":{"matchLabels":{"app":"x","tier":"y"}}},
      "status":{"observedGeneration":)" +
           std::to_string(observed) + R"(,"replicas":)" + std::to_string(replicas) +
           R"(,"updatedReplicas":2,"readyReplicas":2,"availableReplicas":2}})";
  };
  EXPECT_TRUE(workload(text(2, 2))->done);
  EXPECT_FALSE(workload(text(3, 2))->done) << "an old pod is still there";
  EXPECT_FALSE(workload(text(2, 1))->done) << "the controller has not seen the change";
  EXPECT_EQ(workload(text(2, 2))->selector, "app=x,tier=y");
}

TEST(ReadWorkload, TellsOfPodsThatMayNotBeMade) {
  const auto refused = workload(R"({"kind":"Deployment","status":{"conditions":[
    {"type":"ReplicaFailure","status":"True","reason":"FailedCreate",
     "message":"pods is forbidden: exceeded quota"}]}})");
  EXPECT_EQ(refused->trouble, Trouble::Quota);
  EXPECT_THAT(refused->message, HasSubstr("exceeded quota"));
}

TEST(ReadWorkload, PassesOverWhatMakesNoPods) { EXPECT_FALSE(workload(R"({"kind":"Service"})")); }

TEST(ReadWorkload, FollowsAJobToItsEnd) {
  EXPECT_TRUE(workload(R"({"kind":"Job","status":{"succeeded":1,"conditions":[
    {"type":"Complete","status":"True"}]}})")
                  ->done);
  EXPECT_EQ(workload(R"({"kind":"Job","status":{"conditions":[
    {"type":"Failed","status":"True","reason":"BackoffLimitExceeded"}]}})")
                ->trouble,
            Trouble::JobFailed);
}

TEST(Worst, IsThePodFarthestFromReady) {
  Workload all;
  all.pods = {{.name = "a", .phase = PodPhase::Ready}, {.name = "b", .phase = PodPhase::Loading}};
  EXPECT_EQ(worst(all)->name, "b");
  all.pods.push_back({.name = "c", .phase = PodPhase::Failing});
  EXPECT_EQ(worst(all)->name, "c");
  all.pods.resize(1);
  EXPECT_EQ(worst(all), nullptr);
}

TEST(EventLine, IsOneLine) {
  EXPECT_EQ(
      event_line(json::parse(R"({"type":"Warning","reason":"FailedScheduling","message":"a\nb",
    "involvedObject":{"kind":"Pod","name":"p"}})")
                     ->get_object()),
      "Warning FailedScheduling pod/p: a b");
}

}  // namespace
}  // namespace kneepoint::cluster
