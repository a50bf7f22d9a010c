#include "manifest/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "base/file.h"
#include "catalog/catalog.h"
#include "catalog/container.h"
#include "manifest/manifest.h"
#include "manifest/text.h"
#include "profile/from_catalog.h"
#include "profile/profile.h"

namespace kneepoint::manifest {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

/// The shipped catalog, packed here so that the test needs no other target built.
const catalog::Catalog& shipped() {
  static const catalog::Catalog opened = [] {
    const auto rows = catalog::read_folder(KP_SOURCE_DIR "/data/catalog", catalog::Origin::Shipped);
    const std::filesystem::path path = testing::TempDir() + "manifest_facts_test.catalog";
    if (!rows || !write_file(path, catalog::pack(*rows))) std::abort();
    return catalog::Catalog::open(path, {}).value();
  }();
  return opened;
}

Request request_of(const std::string& model, const std::string& server = "vllm") {
  Request request;
  request.model = model;
  request.model_server = server;
  request.accelerator = "nvidia-h100-80gb";
  request.allow_unfit = true;
  request.generated_on = *parse_date("2026-10-20");
  return request;
}

TEST(ShippedCatalog, GivesEveryModelAManifestWithValidNames) {
  for (const auto& model : shipped().models()) {
    for (const char* server : {"vllm", "sglang", "tgi", "tensorrt-llm"}) {
      Request request = request_of(model.id, server);
      if (server == std::string("tgi")) request.model_server_version = "3.3.5";  // none listed
      const auto manifest = create(shipped(), request);
      if (!manifest && manifest.error().message.find("does not run the") != std::string::npos)
        continue;  // its weights on this accelerator
      ASSERT_TRUE(manifest) << model.id << " " << server << ": " << manifest.error().message;
      for (const auto& object : manifest->objects)
        EXPECT_TRUE(is_dns_label(object.name)) << object.name;
    }
  }
}

TEST(ShippedCatalog, GivesEveryVersionAManifestOrSaysThatNoImageExists) {
  for (const auto& version : shipped().server_versions()) {
    if (version.server != "vllm" && version.server != "sglang" && version.server != "tgi") continue;
    Request request = request_of("openai/gpt-oss-20b", version.server);
    request.model_server_version = version.version;
    const auto manifest = create(shipped(), request);
    if (!manifest)
      EXPECT_THAT(manifest.error().message, HasSubstr("an image of version")) << version.version;
    else
      EXPECT_EQ(manifest->objects.size(), 3U);
  }
}

// What was measured did run, so a refusal would be an error of ours.
TEST(ShippedCatalog, HoldsNoMeasuredSetupThatTheMemoryModelRefuses) {
  auto profiles = profile::CatalogProfiles::open(shipped(), 0).value();
  int emitted = 0;
  while (const auto measured = profiles.next().value()) {
    const auto request = request_for(measured->setup);
    if (!request) continue;
    const auto manifest = create(shipped(), *request);
    if (manifest)
      ++emitted;
    else
      EXPECT_THAT(manifest.error().message, testing::Not(HasSubstr("does not fit")))
          << measured->id;
  }
  EXPECT_GT(emitted, 500);
}

TEST(ShippedCatalog, NamesMetricsAndFlagsByVersion) {
  Request request = request_of("openai/gpt-oss-20b");
  request.model_server_version = "v0.7.2";
  auto facts = resolve(shipped(), request).value();
  EXPECT_EQ(facts.image, "vllm/vllm-openai:v0.7.2");
  EXPECT_EQ(facts.metrics.at("kv_cache_usage").series, "vllm:gpu_cache_usage_perc");
  EXPECT_TRUE(facts.flags.contains("swap_space"));
  request.model_server_version = "gptoss";
  facts = resolve(shipped(), request).value();
  EXPECT_EQ(facts.image, "vllm/vllm-openai:gptoss");
  EXPECT_EQ(facts.metrics.at("kv_cache_usage").series, "vllm:kv_cache_usage_perc");
  EXPECT_FALSE(facts.flags.contains("swap_space"));
}

TEST(ShippedCatalog, TakesTheNewestReleaseWhenNoVersionIsNamed) {
  const auto facts = resolve(shipped(), request_of("openai/gpt-oss-20b")).value();
  for (const auto& row : shipped().server_versions()) {
    if (row.server != "vllm" || row.channel != "release" || row.image.empty()) continue;
    EXPECT_LE(catalog::compare_versions(row.version, facts.version).value_or(0), 0) << row.version;
  }
}

TEST(Resolve, TakesTheReleaseOfAnUnpublishedBuildAndSaysSo) {
  Request request = request_of("openai/gpt-oss-20b");
  request.model_server_version = "0.14.0(g11b6af528)";
  const auto facts = resolve(shipped(), request).value();
  EXPECT_EQ(facts.image, "vllm/vllm-openai:v0.14.0");
  EXPECT_THAT(facts.image_from, HasSubstr("was not published"));
}

TEST(Resolve, TakesAVersionTheCatalogDoesNotKnowByTheNamingRule) {
  Request request = request_of("openai/gpt-oss-20b");
  request.model_server_version = "0.99.1";
  EXPECT_EQ(resolve(shipped(), request)->image, "vllm/vllm-openai:v0.99.1");
  request.model_server_version = "1.0\nkind: Secret";
  EXPECT_EQ(resolve(shipped(), request).error().code, ErrorCode::InvalidArgument);
}

TEST(Resolve, WritesATagTheWayTheProjectDoes) {
  Request request = request_of("openai/gpt-oss-20b", "tensorrt-llm");
  request.model_server_version = "9.9.9";
  EXPECT_THAT(resolve(shipped(), request)->image, testing::EndsWith("release:9.9.9"));
}

TEST(Resolve, SuggestsNearNames) {
  Request request = request_of("openai/gpt-oss-20");
  const auto missing = resolve(shipped(), request);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("openai/gpt-oss-20b"));
  request = request_of("openai/gpt-oss-20b");
  request.accelerator = std::string(10'000, 'x');
  EXPECT_LT(resolve(shipped(), request).error().message.size(), 500U);
}

TEST(Resolve, LetsAModelThroughThatOnlyAProfileKnows) {
  Request request = request_of("owner/measured-model");
  EXPECT_EQ(resolve(shipped(), request).error().code, ErrorCode::NotFound);
  request.model_known = true;
  const auto manifest = create(shipped(), request);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_THAT(manifest->comments, Contains(HasSubstr("size unknown")));
}

TEST(Resolve, KnowsArmHosts) {
  Request request = request_of("openai/gpt-oss-20b");
  request.accelerator = "nvidia-gb200";
  EXPECT_TRUE(resolve(shipped(), request)->arm_host);
  request.accelerator = "nvidia-h100-80gb";
  EXPECT_FALSE(resolve(shipped(), request)->arm_host);
}

TEST(Servers, OfWhichTheCatalogKnowsTooLittleAreRefusedWithWhatIsMissing) {
  for (const char* server : {"atom", "mindie", "triton+tensorrt-llm", "llama.cpp", "ollama"}) {
    Request request = request_of("openai/gpt-oss-20b", server);
    request.model_server_version = "1.0";
    const auto manifest = create(shipped(), request);
    ASSERT_FALSE(manifest) << server;
    EXPECT_EQ(manifest.error().code, ErrorCode::Unsatisfiable) << manifest.error().message;
    EXPECT_THAT(manifest.error().message, HasSubstr(server));
  }
}

TEST(Servers, ListenOnAllAddressesAndServeTheirMetrics) {
  const auto manifest = create(shipped(), request_of("Qwen/Qwen3-8B", "sglang")).value();
  const auto documents = YAML::LoadAll(to_yaml_text(manifest, Output::All));
  const auto server = documents[0]["spec"]["template"]["spec"]["containers"][0];
  std::vector<std::string> args;
  for (const auto& arg : server["args"]) args.push_back(arg.as<std::string>());
  EXPECT_THAT(args, AllOf(Contains("--host=0.0.0.0"), Contains("--enable-metrics"),
                          Contains("--model-path=$(MODEL_ID)"), Contains("--tp-size=1")));
  EXPECT_EQ(server["ports"][0]["containerPort"].as<int>(), 30000);
}

TEST(Servers, AreRefusedOnHardwareTheyDoNotRunOn) {
  Request request = request_of("Qwen/Qwen3-8B", "vllm-tpu");
  const auto other = create(shipped(), request);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::Unsatisfiable);
  EXPECT_THAT(
      other.error().message,
      testing::AllOf(HasSubstr("vllm-tpu does not run on nvidia-h100-80gb"), HasSubstr("sglang")));
  request = request_of("openai/gpt-oss-20b");
  request.accelerator = "nvidia-tesla-t4";
  request.accelerators_per_replica = 4;
  const auto format = create(shipped(), request);
  ASSERT_FALSE(format);
  EXPECT_THAT(format.error().message, HasSubstr("does not run the mxfp4 weights"));
}

TEST(Servers, AreOfAReleaseThatStillRunsOnTheHardware) {
  Request request = request_of("Qwen/Qwen3-8B");
  request.accelerator = "nvidia-tesla-v100";
  request.accelerators_per_replica = 2;
  request.model_server_version = "0.19.0";
  const auto newer = create(shipped(), request);
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error().message,
              AllOf(HasSubstr("vllm 0.19.0 does not run on nvidia-tesla-v100"),
                    HasSubstr("--model-server-version=0.14.1")));
  request.image = "registry.example/vllm-volta:0.19.0";
  EXPECT_TRUE(create(shipped(), request)) << create(shipped(), request).error().message;
  request.image.clear();
  request.model_server_version.clear();
  EXPECT_THAT(to_yaml_text(create(shipped(), request).value(), Output::All),
              HasSubstr("vllm-openai:v0.14.1"));
}

/// Whole sets of the other servers, each version pinned, from the rows that ship.
TEST(Servers, AreAsInTheirGoldens) {
  struct Row {
    const char *model, *server, *version, *accelerator;
    int count;
    const char* file;
  };
  for (const Row& row :
       {Row{"Qwen/Qwen3-8B", "sglang", "0.5.9", "nvidia-l4", 1, "qwen3-8b-sglang.yaml"},
        Row{"Qwen/Qwen3-8B", "tgi", "3.3.6", "nvidia-l4", 1, "qwen3-8b-tgi.yaml"},
        Row{"Qwen/Qwen3-8B", "tensorrt-llm", "1.0.0", "nvidia-h100-80gb", 1,
            "qwen3-8b-tensorrt-llm.yaml"},
        Row{"Qwen/Qwen3-32B", "vllm-tpu", "0.12.0", "tpu-v6e-slice", 4, "qwen3-32b-tpu-v6e.yaml"},
        Row{"Qwen/Qwen3-32B", "vllm-tpu", "0.12.0", "tpu7x", 4, "qwen3-32b-tpu7x.yaml"}}) {
    Request request = request_of(row.model, row.server);
    request.model_server_version = row.version;
    request.accelerator = row.accelerator;
    request.accelerators_per_replica = row.count;
    const auto manifest = create(shipped(), request);
    ASSERT_TRUE(manifest) << row.file << ": " << manifest.error().message;
    const std::string text = to_yaml_text(*manifest, Output::All);
    const auto path = std::filesystem::path(KP_SOURCE_DIR "/tests/golden/manifest") / row.file;
    if (std::getenv("UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(write_file(path, text));
    }
    EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
  }
}

TEST(Tpu, IsUsedAsWholeSlicesThatAreSold) {
  Request request = request_of("Qwen/Qwen3-32B", "vllm-tpu");
  request.accelerator = "tpu-v6e-slice";
  request.accelerators_per_replica = 2;
  EXPECT_THAT(create(shipped(), request).error().message,
              AllOf(HasSubstr("no slice of 2 x tpu-v6e-slice"), HasSubstr("1, 4, 8 chips")));
  request.accelerators_per_replica = 8;
  const auto manifest = create(shipped(), request).value();
  const auto pod =
      YAML::LoadAll(to_yaml_text(manifest, Output::All))[0]["spec"]["template"]["spec"];
  EXPECT_EQ(pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"].as<std::string>(), "2x4");
  EXPECT_FALSE(pod["nodeSelector"]["cloud.google.com/gke-gpu-driver-version"]);
  EXPECT_EQ(pod["containers"][0]["resources"]["limits"]["google.com/tpu"].as<std::string>(), "8");
}

TEST(Servers, HaveMetricsOnlyWhereTheirFileTurnsThemOn) {
  Request request = request_of("Qwen/Qwen3-8B", "tensorrt-llm");
  const auto manifest = create(shipped(), request).value();
  EXPECT_EQ(manifest.objects.at(2).kind, "ConfigMap");
  const auto text = to_yaml_text(manifest, Output::Manifest);
  EXPECT_THAT(text, AllOf(HasSubstr("return_perf_metrics: true"),
                          HasSubstr("--extra_llm_api_options=/etc/kneepoint/server.yaml"),
                          HasSubstr("/prometheus/metrics")));
}

}  // namespace
}  // namespace kneepoint::manifest
