#include "manifest/load_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::manifest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

LoadJob sweep() {
  LoadJob out;
  out.name = "sweep-chat";
  out.namespace_name = "serving";
  out.run = "2026-11-22T10-00-00-chat";
  out.image = "kneepoint:0.1.0";
  out.seed = "bytes";
  return out;
}

std::vector<std::string> kinds(const std::vector<Object>& objects) {
  std::vector<std::string> out;
  for (const Object& each : objects) out.push_back(each.kind + " " + each.name);
  return out;
}

std::string job_text(const LoadJob& job) {
  const auto made = load_job(job);
  return made ? json::to_line(made->back().doc) : made.error().message;
}

TEST(LoadJob, IsAConfigMapAClaimAndAJob) {
  const auto made = load_job(sweep());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(kinds(*made), ElementsAre("ConfigMap sweep-chat-ask",
                                        "PersistentVolumeClaim sweep-chat-run", "Job sweep-chat"));
  EXPECT_THAT(json::to_line(made->front().doc), HasSubstr(R"("run.log.gz":"Ynl0ZXM=")"));
}

TEST(LoadJob, OwnsOnlyWhatItMakes) {
  LoadJob job = sweep();
  job.volume = LoadJob::Volume::Claim;
  job.claim = "results";
  const auto made = load_job(job);
  ASSERT_TRUE(made);
  EXPECT_THAT(kinds(*made), ElementsAre("ConfigMap sweep-chat-ask", "Job sweep-chat"));
  EXPECT_THAT(job_text(job), HasSubstr(R"("claimName":"results")"));
  job.volume = LoadJob::Volume::Pod;
  EXPECT_THAT(job_text(job), HasSubstr(R"("emptyDir":{"sizeLimit":"1Gi"})"));
}

TEST(LoadJob, StaysAwayFromAccelerators) {
  EXPECT_THAT(job_text(sweep()),
              HasSubstr(R"({"key":"cloud.google.com/gke-accelerator","operator":"DoesNotExist"})"));
  LoadJob job = sweep();
  job.node_selector = {{"pool", "load"}};
  EXPECT_THAT(job_text(job),
              HasSubstr(R"("nodeSelector":{"pool":"load","kubernetes.io/arch":"amd64"})"));
}

TEST(LoadJob, NamesATokenAndDoesNotHoldIt) {
  EXPECT_THAT(job_text(sweep()), Not(HasSubstr("KNEEPOINT_TOKEN")));
  LoadJob job = sweep();
  job.secret_name = "chat-key";
  job.secret_key = "token";
  EXPECT_THAT(
      job_text(job),
      HasSubstr(
          R"({"name":"KNEEPOINT_TOKEN","valueFrom":{"secretKeyRef":{"name":"chat-key","key":"token"}}})"));
}

TEST(LoadJob, RunsWithNobodysRights) {
  const std::string text = job_text(sweep());
  for (const char* wanted :
       {R"("runAsNonRoot":true)", R"("readOnlyRootFilesystem":true)",
        R"("capabilities":{"drop":["ALL"]})", R"("automountServiceAccountToken":false)"})
    EXPECT_THAT(text, HasSubstr(wanted));
}

TEST(LoadJob, RefusesWhatWouldNotBeAName) {
  const auto refused = [](auto change) {
    LoadJob job = sweep();
    change(job);
    return !load_job(job);
  };
  EXPECT_TRUE(refused([](LoadJob& j) { j.name = "Sweep\n"; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.name = std::string(51, 'a'); }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.run = "../x"; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.run = "a/b"; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.image = "a b"; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.cpu = "-1"; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.memory = "2Gi\n"; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.node_selector = {{"a b", "c"}}; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.secret_name = "x", j.secret_key = "../y"; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.volume = LoadJob::Volume::Claim; }));
  EXPECT_TRUE(refused([](LoadJob& j) { j.seed.assign(1 << 20, 'x'); }));
}

}  // namespace
}  // namespace kneepoint::manifest
