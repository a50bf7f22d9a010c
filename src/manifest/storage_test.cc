#include "manifest/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "manifest/testing/cases.h"

namespace kneepoint::manifest {
namespace {

using ::testing::AllOf;
using testing::Case;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using testing::kinds;
using testing::llama_8b;
using testing::made;
using ::testing::Not;

Case from_bucket(const std::string& uri = "gs://models-of-ours/llama/8b") {
  Case c = llama_8b(Autoscaler::None);
  c.facts.flags["served_model_name"].flag = "--served-model-name";
  c.request.model_bucket_uri = uri;
  return c;
}

YAML::Node pod_of(const Manifest& manifest) {
  for (const auto& document : YAML::LoadAll(to_yaml_text(manifest, Output::Manifest))) {
    if (document["kind"].as<std::string>() == "Deployment") return document["spec"]["template"];
  }
  return {};
}

TEST(BucketFolder, IsReadFromItsUri) {
  const auto whole = bucket_folder("gs://abc");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->bucket, "abc");
  EXPECT_EQ(whole->folder, "");
  EXPECT_EQ(bucket_folder("gs://abc/")->folder, "");
  EXPECT_EQ(bucket_folder("gs://a.b-c_d/x/Y-1.0/")->folder, "x/Y-1.0");
}

TEST(BucketFolder, RefusesWhatAMountOptionOrAShellWouldRead) {
  for (const char* wrong :
       {"", "abc", "s3://abc", "gs://", "gs://ab", "gs://ABC", "gs://abc/a,b", "gs://abc/a b",
        "gs://abc/../d", "gs://abc//d", "gs://abc/-o", "gs://abc/a:b", "gs://abc/$(id)",
        "gs://abc/a\nb", "gs://abc/\ta", "gs://abc/a ", "gs://abc/'x'", "gs://-abc", "gs://a/b"}) {
    const auto found = bucket_folder(wrong);
    ASSERT_FALSE(found) << wrong;
    EXPECT_EQ(found.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(found.error().message, HasSubstr("gs://BUCKET[/FOLDER]"));
  }
}

TEST(Storage, ABucketIsMountedAsInTheGolden) {
  const auto manifest = made(from_bucket());
  const std::filesystem::path path =
      KP_SOURCE_DIR "/tests/golden/manifest/llama-3.1-8b-bucket.yaml";
  const std::string text = to_yaml_text(manifest, Output::All);
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file(path, text));
  }
  EXPECT_EQ(text, read_file(path).value_or("no golden: run once with UPDATE_GOLDEN=1"));
  EXPECT_EQ(kinds(manifest),
            (std::vector<std::string>{"ServiceAccount", "Deployment", "Service", "PodMonitoring"}));
}

TEST(Storage, ThePodHasWhatTheDriverAsksFor) {
  const auto manifest = made(from_bucket());
  const YAML::Node pod = pod_of(manifest);
  // The driver reads texts, and adds its sidecar only where the first of them is there.
  EXPECT_EQ(pod["metadata"]["annotations"]["gke-gcsfuse/volumes"].Scalar(), "true");
  EXPECT_THAT(
      to_yaml_text(manifest, Output::Manifest),
      AllOf(HasSubstr("gke-gcsfuse/volumes: \"true\""), HasSubstr("gke-gcsfuse/cpu-limit: \"0\"")));
  EXPECT_EQ(pod["spec"]["serviceAccountName"].as<std::string>(), manifest.objects[0].name);
  const YAML::Node volumes = pod["spec"]["volumes"];
  ASSERT_EQ(volumes.size(), 3U);
  EXPECT_EQ(volumes[1]["name"].as<std::string>(), "gke-gcsfuse-cache");
  EXPECT_EQ(volumes[2]["csi"]["volumeAttributes"]["bucketName"].as<std::string>(),
            "models-of-ours");
  EXPECT_THAT(volumes[2]["csi"]["volumeAttributes"]["mountOptions"].as<std::string>(),
              AllOf(HasSubstr("only-dir:llama/8b"), HasSubstr("enable-parallel-downloads:true")));
  const YAML::Node server = pod["spec"]["containers"][0];
  EXPECT_EQ(server["env"].size(), 1U);  // no token: nothing is asked of Hugging Face
  EXPECT_EQ(server["env"][0]["value"].as<std::string>(), "/data");
  EXPECT_EQ(server["volumeMounts"][1]["readOnly"].as<bool>(), true);
  std::vector<std::string> args;
  for (const auto& arg : server["args"]) args.push_back(arg.as<std::string>());
  EXPECT_THAT(args, Contains("--served-model-name=meta-llama/Llama-3.1-8B-Instruct"));
  EXPECT_THAT(manifest.comments, Each(Not(HasSubstr("HF_TOKEN"))));
  EXPECT_THAT(manifest.comments,
              Contains(AllOf(HasSubstr("objectViewer"), HasSubstr("gs://models-of-ours"),
                             HasSubstr("sa/" + manifest.objects[0].name))));
}

TEST(Storage, TheCacheInMemoryIsBoundedAndCounts) {
  Case c = from_bucket();
  const auto numbers = plan(c.request, c.facts).value();
  EXPECT_GE(numbers.cache_gib, 15);  // 15 GiB of weights
  EXPECT_GT(numbers.sidecar_gib, numbers.cache_gib);
  EXPECT_LT(numbers.load_seconds, plan(llama_8b(Autoscaler::None).request, c.facts)->load_seconds);
  catalog::Machine machine;
  machine.provider = "gcp";
  machine.machine_type = "small";
  machine.accelerator = c.facts.accelerator.id;
  machine.accelerator_count = 1;
  machine.mem_gib = (numbers.memory_gib + numbers.sidecar_gib) / 0.85 - 1;
  c.facts.machine = machine;
  const auto refused = create(c.request, c.facts);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("of memory"));
}

TEST(Storage, LargeWeightsNeedNoCacheOfHuggingFace) {
  Case c = from_bucket();
  c.facts.model.params_b = 60;
  c.request.accelerators_per_replica = 2;
  const auto numbers = plan(c.request, c.facts).value();
  EXPECT_FALSE(numbers.weights_in_memory);
  EXPECT_EQ(pod_of(made(c))["spec"]["containers"][0]["env"].size(), 1U);
}

TEST(Storage, AnAutoscalerKnowsThatPodsStartFaster) {
  Case slow = llama_8b(Autoscaler::HpaStackdriver);
  Case fast = slow;
  fast.request.model_bucket_uri = "gs://models-of-ours";
  const auto period = [](const Manifest& manifest) {
    return manifest.objects.back()
        .doc.at("spec")
        .at("behavior")
        .at("scaleUp")
        .at("policies")
        .at(0)
        .at("periodSeconds")
        .as_int64();
  };
  EXPECT_LT(period(made(fast)), period(made(slow)));
}

}  // namespace
}  // namespace kneepoint::manifest
