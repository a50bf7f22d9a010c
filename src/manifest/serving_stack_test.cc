#include "manifest/serving_stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <map>

#include "base/file.h"
#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

using ::testing::AllOf;
using testing::Case;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::made;

Case behind(ServingStack stack, Case c = testing::llama_8b(Autoscaler::None)) {
  c.request.hosting.stack = stack;
  return c;
}

std::map<std::string, YAML::Node> by_kind(const Manifest& manifest) {
  std::map<std::string, YAML::Node> out;
  for (const auto& one : YAML::LoadAll(to_yaml_text(manifest, Output::Manifest)))
    out[one["kind"].as<std::string>() + " " + one["metadata"]["name"].as<std::string>()] = one;
  return out;
}

/// Every name that one object has of another is the name of one.
void expect_lawful(const Manifest& manifest) {
  const auto all = by_kind(manifest);
  EXPECT_EQ(all.size(), manifest.objects.size());
  for (const auto& [name, object] : all) {
    const auto has = [&](const std::string& kind, const YAML::Node& of) {
      EXPECT_TRUE(all.contains(kind + " " + of.as<std::string>())) << name;
    };
    if (name.starts_with("HTTPRoute ")) {
      has("Gateway", object["spec"]["parentRefs"][0]["name"]);
      has("InferencePool", object["spec"]["rules"][0]["backendRefs"][0]["name"]);
    }
    if (name.starts_with("InferencePool "))
      has("Service", object["spec"]["endpointPickerRef"]["name"]);
    if (name.starts_with("HealthCheckPolicy ") || name.starts_with("GCPBackendPolicy "))
      has("InferencePool", object["spec"]["targetRef"]["name"]);
    if (name.starts_with("RoleBinding ")) {
      has("Role", object["roleRef"]["name"]);
      has("ServiceAccount", object["subjects"][0]["name"]);
    }
    if (name.starts_with("Deployment ") && name.ends_with("-picker")) {
      const auto pod = object["spec"]["template"]["spec"];
      has("ServiceAccount", pod["serviceAccountName"]);
      has("ConfigMap", pod["volumes"][0]["configMap"]["name"]);
    }
  }
}

TEST(ServingStack, OfTheInferenceExtensionIsAsInTheGolden) {
  const auto manifest = made(behind(ServingStack::InferenceGateway));
  expect_lawful(manifest);
  const std::filesystem::path path =
      KP_SOURCE_DIR "/tests/golden/manifest/llama-3.1-8b-gateway.yaml";
  const std::string text = to_yaml_text(manifest, Output::All);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
}

TEST(ServingStack, AnAnswerMayTakeAsLongAtTheLoadBalancerAsOnTheRoute) {
  const auto all = by_kind(made(behind(ServingStack::InferenceGateway)));
  const auto backend = all.at("GCPBackendPolicy llama-3-1-8b-instruct-vllm-backend")["spec"];
  EXPECT_EQ(backend["default"]["timeoutSec"].as<std::string>() + "s",
            all.at("HTTPRoute llama-3-1-8b-instruct-vllm-route")["spec"]["rules"][0]["timeouts"]
                                                                ["request"]
                                                                    .as<std::string>());
}

TEST(ServingStack, ThePoolHasThePodsThatAnswer) {
  const auto all = by_kind(made(behind(ServingStack::LlmD, testing::r1_on_two_hosts())));
  const auto pool = all.at("InferencePool deepseek-r1-vllm-pool")["spec"];
  EXPECT_EQ(pool["selector"]["matchLabels"]["role"].as<std::string>(), "leader");
  EXPECT_EQ(pool["targetPorts"][0]["number"].as<int>(), 8000);
  expect_lawful(made(behind(ServingStack::LlmD, testing::r1_on_two_hosts())));
}

TEST(ServingStack, ThePickerReadsTheMetricsOfTheVersion) {
  const auto args = [](const char* version) {
    const auto all = by_kind(
        made(behind(ServingStack::InferenceGateway, testing::llama_8b(Autoscaler::None, version))));
    std::vector<std::string> out;
    for (const auto& one :
         all.at("Deployment llama-3-1-8b-instruct-vllm-picker")["spec"]["template"]["spec"]
                                                               ["containers"][0]["args"])
      out.push_back(one.as<std::string>());
    return out;
  };
  EXPECT_THAT(args("0.19.0"),
              Contains("--kv-cache-usage-percentage-metric=vllm:kv_cache_usage_perc"));
  EXPECT_THAT(args("0.9.1"),
              Contains("--kv-cache-usage-percentage-metric=vllm:gpu_cache_usage_perc"));
  Case c = behind(ServingStack::InferenceGateway);
  c.facts.metrics.clear();
  EXPECT_THAT(create(c.request, c.facts).error().message, HasSubstr("endpoint picker can read"));
}

TEST(ServingStack, TheVersionIsATagAndNothingElse) {
  Case c = behind(ServingStack::LlmD);
  c.request.hosting.stack_version = "v0.5.0";
  EXPECT_THAT(to_yaml_text(made(c), Output::All),
              HasSubstr("ghcr.io/llm-d/llm-d-router-endpoint-picker:v0.5.0"));
  for (const char* wrong : {"a b", "x\ny: z", "$(id)", "a/b", "'"}) {
    c.request.hosting.stack_version = wrong;
    EXPECT_THAT(create(c.request, c.facts).error().message, HasSubstr("is not an image tag"));
  }
}

}  // namespace
}  // namespace kneepoint::manifest
