#include "manifest/cloud_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>

#include "base/file.h"
#include "manifest/kustomize.h"
#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

using testing::Case;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::made;
using ::testing::Not;

Case on_l4() {
  Case c = testing::llama_8b(Autoscaler::None);
  c.facts.accelerator.id = c.facts.accelerator.gke_label = "nvidia-l4";
  c.facts.accelerator.compute_capability = "8.9";
  c.facts.accelerator.mem_gib_nominal = 24;
  c.facts.accelerator.mem_gib_usable = 22.5;
  c.facts.flags["served_model_name"].flag = "--served-model-name";
  c.facts.flags["served_model_name"].form = "value";
  c.request.accelerator = "nvidia-l4";
  c.request.delivery.platform = Platform::CloudRun;
  return c;
}

Case from_bucket(Storage storage) {
  Case c = on_l4();
  c.request.model_bucket_uri = "gs://models-of-ours/llama/8b";
  c.request.delivery.storage = storage;
  return c;
}

YAML::Node service_of(const Manifest& manifest) {
  return YAML::Load(to_yaml_text(manifest, Output::Manifest));
}

std::vector<std::string> texts(const YAML::Node& node) {
  std::vector<std::string> out;
  for (const auto& item : node) out.push_back(item.as<std::string>());
  return out;
}

std::string error_of(const Case& c) {
  const auto manifest = create(c.request, c.facts);
  return manifest ? "" : manifest.error().message;
}

TEST(CloudRun, TheRuleOfThePublicPageGivesItsExample) {
  Case c = on_l4();
  c.request.delivery.model_instances = 3;
  c.request.delivery.parallel_queries = 4;
  c.request.delivery.ideal_batch = 4;
  const auto answer = concurrency(c.request).value();
  EXPECT_EQ(answer.by_rule, 24);
  EXPECT_EQ(answer.chosen, 24);
  EXPECT_EQ(answer.by_curve, 96);  // three instances of 32 at the operating point
  EXPECT_EQ(service_of(made(c))["spec"]["template"]["spec"]["containerConcurrency"].as<int>(), 24);
}

TEST(CloudRun, TheCurveDecidesWhereNothingElseWasSaid) {
  Case c = on_l4();
  EXPECT_EQ(concurrency(c.request)->chosen, 32);
  c.request.delivery.concurrency = 7;
  EXPECT_EQ(concurrency(c.request)->chosen, 7);
  c.request.delivery.concurrency.reset();
  c.request.autoscaling.point.reset();
  EXPECT_EQ(concurrency(c.request)->chosen, 8);  // 1 x 4 + 1 x 4
  c.request.delivery.parallel_queries = 0;
  EXPECT_FALSE(concurrency(c.request));
}

TEST(CloudRun, AServiceIsAsInTheGolden) {
  const auto manifest = made(from_bucket(Storage::GcsFuse));
  const std::filesystem::path path =
      KP_SOURCE_DIR "/tests/golden/manifest/llama-3.1-8b-cloud-run.yaml";
  const std::string text = to_yaml_text(manifest, Output::All);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
}

TEST(CloudRun, HasWhatAGpuAsksFor) {
  const YAML::Node revision = service_of(made(on_l4()))["spec"]["template"];
  const YAML::Node annotations = revision["metadata"]["annotations"];
  EXPECT_EQ(annotations["run.googleapis.com/cpu-throttling"].Scalar(), "false");
  EXPECT_EQ(annotations["run.googleapis.com/execution-environment"].Scalar(), "gen2");
  EXPECT_EQ(annotations["autoscaling.knative.dev/minScale"].Scalar(), "0");
  EXPECT_EQ(revision["spec"]["nodeSelector"]["run.googleapis.com/accelerator"].Scalar(),
            "nvidia-l4");
  const YAML::Node limits = revision["spec"]["containers"][0]["resources"]["limits"];
  EXPECT_EQ(limits["cpu"].Scalar(), "8");
  EXPECT_EQ(limits["memory"].Scalar(), "32Gi");
  EXPECT_EQ(limits["nvidia.com/gpu"].Scalar(), "1");
  // Cloud Run expands no variables.
  for (const auto& arg : texts(revision["spec"]["containers"][0]["args"]))
    EXPECT_THAT(arg, Not(HasSubstr("$("))) << arg;
  EXPECT_THAT(texts(revision["spec"]["containers"][0]["args"]),
              Contains("--model=meta-llama/Llama-3.1-8B-Instruct"));
}

TEST(CloudRun, TheProbeWaitsForTheModelWithinWhatCloudRunAllows) {
  for (const Storage storage : {Storage::GcsFuse, Storage::RunaiStreamer, Storage::Download}) {
    const YAML::Node probe = service_of(
        made(from_bucket(storage)))["spec"]["template"]["spec"]["containers"][0]["startupProbe"];
    const int waits = probe["periodSeconds"].as<int>() * probe["failureThreshold"].as<int>();
    EXPECT_GE(waits, 600);
    EXPECT_LE(waits, 1800);
    EXPECT_EQ(probe["httpGet"]["path"].Scalar(), "/health");
  }
}

TEST(CloudRun, EachPlaceOfTheModelHasItsSettings) {
  const auto fuse = service_of(made(from_bucket(Storage::GcsFuse)))["spec"]["template"];
  EXPECT_EQ(fuse["spec"]["volumes"][0]["csi"]["volumeAttributes"]["mountOptions"].Scalar(),
            "implicit-dirs,only-dir=llama/8b");
  EXPECT_EQ(fuse["metadata"]["annotations"]["run.googleapis.com/vpc-access-egress"].Scalar(),
            "all-traffic");
  const auto streamed = service_of(made(from_bucket(Storage::RunaiStreamer)))["spec"]["template"];
  EXPECT_THAT(texts(streamed["spec"]["containers"][0]["args"]),
              ::testing::IsSupersetOf(
                  {"--model=gs://models-of-ours/llama/8b", "--load-format=runai_streamer"}));
  EXPECT_FALSE(streamed["spec"]["volumes"]);
  const auto copied = service_of(made(from_bucket(Storage::Download)))["spec"]["template"];
  ASSERT_EQ(copied["spec"]["containers"].size(), 2U);
  EXPECT_EQ(copied["metadata"]["annotations"]["run.googleapis.com/container-dependencies"].Scalar(),
            R"({"server":["weights"]})");
  // The parts add up to one instance.
  int cpu = 0;
  int memory = 0;
  for (const auto& container : copied["spec"]["containers"]) {
    cpu += container["resources"]["limits"]["cpu"].as<int>();
    memory += std::stoi(container["resources"]["limits"]["memory"].Scalar());
  }
  EXPECT_EQ(cpu, 8);
  EXPECT_EQ(memory, 32);
}

TEST(CloudRun, AnImageWithTheModelComesWithItsBuild) {
  Case c = on_l4();
  c.facts.model.gated = true;
  c.request.delivery.storage = Storage::Image;
  EXPECT_THAT(error_of(c), HasSubstr("--model-image"));
  c.request.delivery.model_image = "us-docker.pkg.dev/p/r/llama:1";
  const auto manifest = made(c);
  std::map<std::string, std::string> files;
  for (const File& file : kustomize(manifest)) files[file.path] = file.text;
  ASSERT_EQ(files.size(), 4U);
  EXPECT_THAT(files.at("Dockerfile"), HasSubstr("FROM vllm/vllm-openai:v0.19.0\n"));
  EXPECT_THAT(files.at("Dockerfile"), HasSubstr("--mount=type=secret,id=hf_token"));
  const YAML::Node build = YAML::Load(files.at("cloudbuild.yaml"));
  EXPECT_EQ(build["images"][0].Scalar(), "us-docker.pkg.dev/p/r/llama:1");
  EXPECT_EQ(build["steps"].size(), 2U);
  EXPECT_EQ(build["options"]["diskSizeGb"].Scalar(), "500");
  EXPECT_EQ(YAML::Load(files.at("service.yaml"))["kind"].Scalar(), "Service");
  EXPECT_FALSE(files.contains("base/service.yaml"));
}

TEST(CloudRun, RefusesWhatItDoesNotHave) {
  Case h100 = on_l4();
  h100.facts.accelerator.id = "nvidia-h100-80gb";
  EXPECT_THAT(error_of(h100), HasSubstr("nvidia-l4 and nvidia-rtx-pro-6000"));
  Case two = on_l4();
  two.request.accelerators_per_replica = 2;
  EXPECT_THAT(error_of(two), HasSubstr("one GPU"));
  Case scaled = on_l4();
  scaled.request.autoscaling.by = Autoscaler::Keda;
  EXPECT_THAT(error_of(scaled), HasSubstr("--autoscaler"));
  Case disk = on_l4();
  disk.request.delivery.storage = Storage::HyperdiskMl;
  EXPECT_THAT(error_of(disk), HasSubstr("Cloud Run has no hyperdisk-ml"));
  Case nowhere = on_l4();
  nowhere.request.delivery.storage = Storage::GcsFuse;
  EXPECT_THAT(error_of(nowhere), HasSubstr("--model-bucket-uri"));
  Case old = from_bucket(Storage::RunaiStreamer);
  old.facts.version = "0.10.2";
  EXPECT_THAT(error_of(old), HasSubstr("0.11.0"));
}

TEST(CloudRun, EveryPlaceIsInTheTableWithItsEvidence) {
  const auto manifest = made(from_bucket(Storage::GcsFuse));
  ASSERT_EQ(manifest.storage.size(), 5U);
  int chosen = 0;
  for (const StorageOption& option : manifest.storage) {
    chosen += option.chosen ? 1 : 0;
    EXPECT_FALSE(option.needs.empty());
    EXPECT_FALSE(option.fetch.evidence.empty());
    EXPECT_FALSE(option.usd_per_month.evidence.empty());
    EXPECT_GT(option.start_seconds, kWarmUpSeconds);
  }
  EXPECT_EQ(chosen, 1);
  EXPECT_EQ(to_json(manifest.storage).as_array().size(), 5U);
}

}  // namespace
}  // namespace kneepoint::manifest
