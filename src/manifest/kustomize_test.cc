#include "manifest/kustomize.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>

#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

std::map<std::string, std::string> files_of(const Manifest& manifest) {
  std::map<std::string, std::string> out;
  for (const File& file : kustomize(manifest))
    EXPECT_TRUE(out.emplace(file.path, file.text).second);
  return out;
}

TEST(Kustomize, TheBaseHoldsEveryObjectAndNamesEveryFile) {
  for (const auto by : {Autoscaler::None, Autoscaler::HpaStackdriver, Autoscaler::Keda}) {
    auto c = testing::llama_8b(by);
    c.request.model_bucket_uri = "gs://models-of-ours";
    if (by == Autoscaler::Keda)
      c.request.autoscaling.prometheus_url =
          "https://monitoring.googleapis.com/v1/projects/p/location/global/prometheus";
    const auto manifest = testing::made(c);
    const auto files = files_of(manifest);
    const YAML::Node base = YAML::Load(files.at("base/kustomization.yaml"));
    ASSERT_EQ(base["resources"].size(), manifest.objects.size());
    for (std::size_t i = 0; i < manifest.objects.size(); ++i) {
      const auto& text = files.at("base/" + base["resources"][i].as<std::string>());
      EXPECT_EQ(text, json::to_yaml(manifest.objects[i].doc));
    }
    EXPECT_EQ(files.size(), manifest.objects.size() + manifest.files.size() + 4);
  }
}

TEST(Kustomize, TheTrialHasOneReplicaAndNoAutoscaler) {
  const auto manifest = testing::made(testing::llama_8b(Autoscaler::HpaStackdriver));
  const auto files = files_of(manifest);
  const YAML::Node trial = YAML::Load(files.at("overlays/trial/kustomization.yaml"));
  EXPECT_EQ(trial["replicas"][0]["name"].as<std::string>(), manifest.objects[0].name);
  EXPECT_EQ(trial["replicas"][0]["count"].as<int>(), 1);
  ASSERT_EQ(trial["patches"].size(), 1U);
  const YAML::Node patch = YAML::Load(trial["patches"][0]["patch"].as<std::string>());
  EXPECT_EQ(patch["$patch"].as<std::string>(), "delete");
  EXPECT_EQ(patch["metadata"]["name"].as<std::string>(), manifest.objects.back().name);
  const YAML::Node production = YAML::Load(files.at("overlays/production/kustomization.yaml"));
  EXPECT_EQ(production["resources"][0].as<std::string>(), "../../base");
  EXPECT_FALSE(production["patches"]);
}

}  // namespace
}  // namespace kneepoint::manifest
