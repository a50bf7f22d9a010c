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
    if (name.starts_with("InferenceObjective "))
      has("InferencePool", object["spec"]["poolRef"]["name"]);
    if (name.starts_with("RoleBinding ")) has("Role", object["roleRef"]["name"]);
    if (name.starts_with("ClusterRoleBinding ")) {
      EXPECT_FALSE(object["metadata"]["namespace"]);
      if (object["roleRef"]["name"].as<std::string>() != "system:auth-delegator")
        has("ClusterRole", object["roleRef"]["name"]);
    }
    for (const auto& subject : object["subjects"]) {
      if (subject["name"].as<std::string>() != "collector") has("ServiceAccount", subject["name"]);
    }
    if (name.starts_with("Secret "))
      has("ServiceAccount",
          object["metadata"]["annotations"]["kubernetes.io/service-account.name"]);
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

TEST(ServingStack, RequestsOfTwoRanksAreOfTheStacksOwnKind) {
  for (const auto& [stack, group] :
       {std::pair{ServingStack::InferenceGateway, "inference.networking.x-k8s.io/v1alpha2"},
        std::pair{ServingStack::LlmD, "llm-d.ai/v1alpha2"}}) {
    const auto manifest = made(behind(stack));
    const auto all = by_kind(manifest);
    const auto first = all.at("InferenceObjective llama-3-1-8b-instruct-vllm-first");
    const auto last = all.at("InferenceObjective llama-3-1-8b-instruct-vllm-last");
    EXPECT_EQ(first["apiVersion"].as<std::string>(), group);
    EXPECT_GT(first["spec"]["priority"].as<int>(), 0);
    EXPECT_LT(last["spec"]["priority"].as<int>(), 0);
    EXPECT_EQ(last["spec"]["poolRef"]["group"].as<std::string>(), "inference.networking.k8s.io");
    EXPECT_THAT(
        manifest.comments,
        Contains(HasSubstr("x-gateway-inference-objective: llama-3-1-8b-instruct-vllm-first")));
  }
}

TEST(ServingStack, ThePickersMetricsAreScrapedWithATokenThatMayReadThem) {
  const std::string base = "llama-3-1-8b-instruct-vllm";
  for (const auto by : {Autoscaler::HpaStackdriver, Autoscaler::Keda}) {
    const auto all = by_kind(made(behind(ServingStack::InferenceGateway, testing::llama_8b(by))));
    const bool managed = by == Autoscaler::HpaStackdriver;
    const auto monitor =
        all.at((managed ? "PodMonitoring " : "PodMonitor ") + base + "-picker-monitoring")["spec"];
    const auto endpoint = monitor[managed ? "endpoints" : "podMetricsEndpoints"][0];
    const auto shown = endpoint["authorization"]["credentials"];
    const auto secret = managed ? shown["secret"] : shown;
    EXPECT_EQ(secret["name"].as<std::string>(), base + "-picker-metrics");
    EXPECT_EQ(secret["key"].as<std::string>(), "token");
    const auto token = all.at("Secret " + base + "-picker-metrics");
    EXPECT_EQ(token["type"].as<std::string>(), "kubernetes.io/service-account-token");
    EXPECT_FALSE(token["data"] || token["stringData"]);
    EXPECT_EQ(
        all.at("ClusterRole default-" + base + "-picker-metrics")["rules"][0]["nonResourceURLs"][0]
            .as<std::string>(),
        "/metrics");
    // The picker may ask who somebody is, or it would answer nobody.
    EXPECT_EQ(all.at("ClusterRoleBinding default-" + base + "-picker-asks")["roleRef"]["name"]
                  .as<std::string>(),
              "system:auth-delegator");
    EXPECT_EQ(all.contains("Role " + base + "-picker-token"), managed);
    // The pods that are scraped are the picker's.
    const auto picker = all.at("Deployment " + base + "-picker")["spec"];
    EXPECT_EQ(monitor["selector"]["matchLabels"]["app"].as<std::string>(),
              picker["template"]["metadata"]["labels"]["app"].as<std::string>());
  }
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
