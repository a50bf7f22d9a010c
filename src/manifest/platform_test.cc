#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "manifest/platform_pod.h"
#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

using testing::Case;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using testing::made;
using ::testing::Not;

Case on(Platform platform, Autoscaler by = Autoscaler::None) {
  Case c = testing::llama_8b(by);
  c.request.delivery.platform = platform;
  return c;
}

YAML::Node pod_of(const Manifest& manifest) {
  for (const auto& document : YAML::LoadAll(to_yaml_text(manifest, Output::Manifest))) {
    if (document["kind"].as<std::string>() == "Deployment")
      return document["spec"]["template"]["spec"];
  }
  return {};
}

TEST(Platform, NamesAreThoseOfTheFlags) {
  for (const auto one :
       {Platform::Gke, Platform::CloudRun, Platform::Eks, Platform::Aks, Platform::Kubernetes})
    EXPECT_EQ(platform_of(name(one)), one);
  for (const auto one : {Storage::Auto, Storage::BootDisk, Storage::Download})
    EXPECT_EQ(storage_of(name(one)), one);
  EXPECT_FALSE(platform_of("GKE"));
}

TEST(Platform, NothingOfGoogleIsAskedOfOthers) {
  for (const auto platform : {Platform::Eks, Platform::Aks, Platform::Kubernetes}) {
    const auto manifest = made(on(platform, Autoscaler::PrometheusAdapter));
    const std::string text = to_yaml_text(manifest, Output::Manifest);
    EXPECT_THAT(text, Not(HasSubstr("cloud.google.com"))) << name(platform);
    EXPECT_THAT(text, Not(HasSubstr("monitoring.googleapis.com"))) << name(platform);
    EXPECT_THAT(testing::kinds(manifest), Contains("PodMonitor"));
    EXPECT_THAT(manifest.comments, Each(Not(HasSubstr("gcloud")))) << name(platform);
    EXPECT_EQ(pod_of(manifest)["nodeSelector"]["nvidia.com/gpu.product"].Scalar(),
              "NVIDIA-H100-80GB-HBM3");
  }
}

TEST(Platform, ACloudsMachineTypeIsSelected) {
  Case c = on(Platform::Eks);
  catalog::Machine machine;
  machine.provider = "aws";
  machine.machine_type = "p5.48xlarge";
  machine.accelerator = c.facts.accelerator.id;
  machine.accelerator_count = 8;
  c.facts.machine = machine;
  const YAML::Node selector = pod_of(made(c))["nodeSelector"];
  EXPECT_EQ(selector["node.kubernetes.io/instance-type"].Scalar(), "p5.48xlarge");
  EXPECT_FALSE(selector["nvidia.com/gpu.product"]);
  EXPECT_THAT(made(c).comments, Contains(HasSubstr("--node-type=p5.48xlarge")));
}

TEST(Platform, AksNodesAreTainted) {
  bool tolerated = false;
  for (const auto& one : pod_of(made(on(Platform::Aks)))["tolerations"])
    tolerated |= one["key"].Scalar() == "sku" && one["value"].Scalar() == "gpu";
  EXPECT_TRUE(tolerated);
}

TEST(Platform, StackdriverIsGooglesOnly) {
  const Case c = on(Platform::Aks, Autoscaler::HpaStackdriver);
  const auto refused = create(c.request, c.facts);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--autoscaler=keda"));
}

TEST(Platform, EachSaysHowToMakeAClusterSeeTheQuotaAndReachTheService) {
  const std::pair<Platform, std::vector<const char*>> wanted[] = {
      {Platform::Gke, {"create-auto", "clusters create CLUSTER", "quotas", "load-balancer-type"}},
      {Platform::Eks, {"eksctl create nodegroup", "service-quotas", "aws-load-balancer"}},
      {Platform::Aks, {"az aks nodepool add", "list-usage", "azure-load-balancer-internal"}},
      {Platform::Kubernetes, {"gpu-operator", "gpu.product", "LoadBalancer"}}};
  for (const auto& [platform, words] : wanted) {
    const auto manifest = made(on(platform));
    for (const char* word : words)
      EXPECT_THAT(manifest.comments, Contains(HasSubstr(word))) << name(platform);
  }
}

}  // namespace
}  // namespace kneepoint::manifest
