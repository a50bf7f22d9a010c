#include "manifest/storage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>

#include "base/file.h"
#include "base/text.h"
#include "manifest/storage_xla.h"
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

TEST(Storage, AProfileIsAClaimOnAVolumeOfTheDriversOwnClass) {
  Case c = from_bucket();
  c.request.delivery.storage = Storage::GcsFuseProfile;
  c.request.namespace_name = "team-a";
  const auto manifest = made(c);
  EXPECT_EQ(kinds(manifest),
            (std::vector<std::string>{"ServiceAccount", "PersistentVolume", "PersistentVolumeClaim",
                                      "Deployment", "Service", "PodMonitoring"}));
  const auto all = YAML::LoadAll(to_yaml_text(manifest, Output::Manifest));
  const YAML::Node volume = all[1], claim = all[2];
  EXPECT_FALSE(volume["metadata"]["namespace"]);
  EXPECT_EQ(volume["metadata"]["name"].as<std::string>(),
            "team-a-llama-3-1-8b-instruct-vllm-weights");
  EXPECT_EQ(volume["spec"]["storageClassName"].as<std::string>(), "gcsfusecsi-serving");
  EXPECT_EQ(volume["spec"]["csi"]["volumeHandle"].as<std::string>(), "models-of-ours");
  EXPECT_EQ(volume["spec"]["mountOptions"][1].as<std::string>(), "only-dir:llama/8b");
  // Each names the other, so that neither is bound to anything else.
  EXPECT_EQ(volume["spec"]["claimRef"]["name"].as<std::string>(),
            claim["metadata"]["name"].as<std::string>());
  EXPECT_EQ(volume["spec"]["claimRef"]["namespace"].as<std::string>(), "team-a");
  EXPECT_EQ(claim["spec"]["volumeName"].as<std::string>(),
            volume["metadata"]["name"].as<std::string>());
  for (const char* same : {"accessModes", "storageClassName"})
    EXPECT_EQ(YAML::Dump(claim["spec"][same]), YAML::Dump(volume["spec"][same]));
  const YAML::Node pod = pod_of(manifest);
  EXPECT_EQ(pod["metadata"]["annotations"]["gke-gcsfuse/profiles"].Scalar(), "true");
  EXPECT_EQ(pod["spec"]["volumes"][1]["persistentVolumeClaim"]["claimName"].as<std::string>(),
            claim["metadata"]["name"].as<std::string>());
  for (const auto& one : pod["spec"]["volumes"])
    EXPECT_NE(one["name"].as<std::string>(), "gke-gcsfuse-cache");
  EXPECT_EQ(pod["spec"]["containers"][0]["volumeMounts"][1]["mountPath"].as<std::string>(),
            "/data");
  EXPECT_THAT(manifest.comments, AllOf(Contains(HasSubstr("gke.gcsfuse.profileTuner")),
                                       Contains(HasSubstr("1.35.1-gke.1616000 or later"))));
}

TEST(Storage, AProfileNeedsAClusterThatHasThem) {
  Case c = from_bucket();
  c.request.delivery.storage = Storage::GcsFuseProfile;
  c.request.delivery.cluster_version = "1.35.1-gke.1616000";
  EXPECT_TRUE(create(c.request, c.facts));
  c.request.delivery.cluster_version = "1.35.1-gke.1615999";
  const auto refused = create(c.request, c.facts);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("has no profiles"));
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

Case stored(Storage storage, const std::string& uri = "") {
  Case c = llama_8b(Autoscaler::None);
  c.facts.flags["served_model_name"].flag = "--served-model-name";
  c.request.delivery.storage = storage;
  c.request.model_bucket_uri = uri;
  return c;
}

std::string refusal(const Case& c) {
  const auto manifest = create(c.request, c.facts);
  return manifest ? "" : manifest.error().message;
}

TEST(StorageChoice, EachPlaceBringsItsObjects) {
  using Kinds = std::vector<std::string>;
  const Kinds rest{"Deployment", "Service", "PodMonitoring"};
  const auto with = [&](Kinds first) {
    first.insert(first.end(), rest.begin(), rest.end());
    return first;
  };
  EXPECT_EQ(kinds(made(stored(Storage::Memory))), rest);
  EXPECT_EQ(kinds(made(stored(Storage::LocalSsd))), rest);
  EXPECT_EQ(kinds(made(stored(Storage::Volume))), with({"PersistentVolumeClaim"}));
  EXPECT_EQ(kinds(made(stored(Storage::RunaiStreamer, "gs://abc/d"))), with({"ServiceAccount"}));
  EXPECT_EQ(kinds(made(stored(Storage::HyperdiskMl))),
            with({"StorageClass", "PersistentVolumeClaim", "Job", "PersistentVolumeClaim"}));
  Case filled = from_bucket();
  filled.request.delivery.fill_bucket = true;
  EXPECT_EQ(kinds(made(filled)), with({"ServiceAccount", "Job"}));
}

TEST(StorageChoice, TheStreamerIsToldWhereAndHowMuchMemory) {
  Case c = stored(Storage::RunaiStreamer, "gs://abc/d");
  c.request.accelerators_per_replica = 2;
  const YAML::Node server = pod_of(made(c))["spec"]["containers"][0];
  std::vector<std::string> args;
  for (const auto& arg : server["args"]) args.push_back(arg.as<std::string>());
  EXPECT_THAT(args, Contains("--load-format=runai_streamer"));
  EXPECT_THAT(args, Contains("--model-loader-extra-config={\"distributed\":true}"));
  EXPECT_EQ(server["env"][0]["value"].as<std::string>(), "gs://abc/d");
  c.facts.version = "0.10.2";
  EXPECT_THAT(refusal(c), HasSubstr("from 0.11.0 on"));
  c.request.model_bucket_uri = "s3://abc/d";
  EXPECT_EQ(refusal(c), "");
  c.facts.server.name = "sglang";
  EXPECT_THAT(refusal(c), HasSubstr("vLLM only"));
}

TEST(StorageChoice, TheServersReadTheDiskThatTheJobFilled) {
  const auto manifest = made(stored(Storage::HyperdiskMl));
  const YAML::Node spec = pod_of(manifest)["spec"];
  const std::string claim = spec["volumes"][1]["persistentVolumeClaim"]["claimName"].Scalar();
  EXPECT_EQ(claim, manifest.objects[3].name);
  EXPECT_EQ(spec["containers"][0]["env"][0]["value"].Scalar(), "/data");
  const auto& read = manifest.objects[3].doc.at("spec");
  EXPECT_EQ(read.at("accessModes").at(0).as_string(), "ReadOnlyMany");
  EXPECT_EQ(read.at("dataSource").at("kind").as_string(), "VolumeSnapshot");
  // What fills it can be applied first, by its label.
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(
        manifest.objects[i].doc.at("metadata").at("labels").at("kneepoint.dev/step").as_string(),
        "fill");
  EXPECT_THAT(manifest.comments, Contains(HasSubstr("--selector=kneepoint.dev/step=fill")));
}

TEST(StorageChoice, ABootDiskThatIsTooSmallBecomesAComputeClass) {
  Case c = stored(Storage::BootDisk);
  c.facts.model.params_b = 60;
  c.request.accelerators_per_replica = 4;
  EXPECT_THAT(made(c).comments, Contains(HasSubstr("--disk-size=")));
  catalog::Machine machine;
  machine.provider = "gcp";
  machine.machine_type = "a3-highgpu-8g";
  machine.accelerator = c.facts.accelerator.id;
  machine.accelerator_count = 8;
  c.facts.machine = machine;
  const auto manifest = made(c);
  ASSERT_EQ(manifest.objects[0].kind, "ComputeClass");
  EXPECT_EQ(pod_of(manifest)["spec"]["nodeSelector"]["cloud.google.com/compute-class"].Scalar(),
            manifest.objects[0].name);
}

TEST(StorageChoice, TheDriverIsToldWhatItsVersionCan) {
  EXPECT_TRUE(fuse_driver("").parallel_download);
  EXPECT_FALSE(fuse_driver("").metadata_prefetch);
  EXPECT_FALSE(fuse_driver("1.27.12-gke.1189999").file_cache);
  EXPECT_TRUE(fuse_driver("1.28.8-gke.1175000").file_cache);
  EXPECT_TRUE(fuse_driver("1.30.0-gke.1").file_cache);
  EXPECT_FALSE(fuse_driver("1.29.3-gke.1093000").parallel_download);
  EXPECT_FALSE(fuse_driver("1.30.1-gke.9999999").parallel_download);
  EXPECT_TRUE(fuse_driver("1.29.6-gke.1254000").parallel_download);
  EXPECT_TRUE(fuse_driver("1.31.0-gke.1").parallel_download);
  EXPECT_FALSE(fuse_driver("1.32.1-gke.1357000").metadata_prefetch);
  EXPECT_TRUE(fuse_driver("1.32.1-gke.1357001").metadata_prefetch);
  EXPECT_TRUE(fuse_driver("1.33.2-gke.4655000").read_ahead);
}

TEST(StorageChoice, WhatDoesNotGoTogetherIsRefusedWithWhatToDo) {
  EXPECT_THAT(refusal(stored(Storage::GcsFuse)), HasSubstr("--model-bucket-uri"));
  EXPECT_THAT(refusal(stored(Storage::Memory, "gs://abc")), HasSubstr("leave --model-bucket-uri"));
  EXPECT_THAT(refusal(stored(Storage::Image)), HasSubstr("cloud-run"));
  Case other = stored(Storage::HyperdiskMl);
  other.request.delivery.platform = Platform::Eks;
  EXPECT_THAT(refusal(other), HasSubstr("--platform=gke"));
  Case mounted = from_bucket();
  mounted.request.delivery.platform = Platform::Eks;
  EXPECT_THAT(refusal(mounted), HasSubstr("runai-streamer"));
  Case filled = stored(Storage::RunaiStreamer, "gs://abc/d");
  filled.request.delivery.platform = Platform::Aks;
  EXPECT_EQ(refusal(filled), "");
  EXPECT_THAT(made(filled).comments, Contains(HasSubstr("GOOGLE_APPLICATION_CREDENTIALS")));
  filled.request.delivery.fill_bucket = true;
  EXPECT_THAT(refusal(filled), HasSubstr("--fill-bucket is for --platform=gke"));
  Case classy = stored(Storage::Volume);
  classy.request.delivery.storage_class = "$(id)";
  EXPECT_THAT(refusal(classy), HasSubstr("DNS name"));
  Case version = from_bucket();
  version.request.delivery.cluster_version = "1.33; rm";
  EXPECT_THAT(refusal(version), HasSubstr("1.33.2-gke"));
}

TEST(StorageChoice, ACacheOfCompiledProgramsIsForTpusAndStartsWithOneReplica) {
  Case c = stored(Storage::Auto);
  c.request.delivery.xla_cache_uri = "gs://abc/xla";
  EXPECT_THAT(refusal(c), HasSubstr("for TPUs"));
  c.facts.accelerator.kind = "tpu";
  EXPECT_TRUE(check_xla_cache(c.request, c.facts));
  EXPECT_TRUE(one_replica_first(c.request));
  PodTemplate pod;
  pod.containers.emplace_back();
  mount_xla_cache(c.request, pod);
  EXPECT_FALSE(pod.csi_volumes[0].read_only);
  EXPECT_EQ(pod.containers[0].env[0].name, "VLLM_XLA_CACHE_PATH");
  EXPECT_EQ(pod.annotations[0].first, "gke-gcsfuse/volumes");
  EXPECT_THAT(xla_cache_comments(c.request, "b"), Contains(HasSubstr("roles/storage.objectUser")));
}

TEST(StorageChoice, HostileValuesChangeNoStructureAndLeaveNoQuotes) {
  for (const char* value : {"$(zqx -rf /)", "'; zqx; '", "zqx\nkind: Secret", "`zqx`", "\"zqx\"",
                            "zqx,b", "--zqx", "zq x", "zqx#y", "../zqx"}) {
    for (int field = 0; field < 5; ++field) {
      Case c = stored(Storage::Auto);
      if (field == 0) c.request.delivery.storage_class = value;
      if (field == 1) c.request.delivery.model_image = value;
      if (field == 2) c.request.delivery.network = value;
      if (field == 3) c.request.delivery.cluster_version = value;
      if (field == 4) c = stored(Storage::RunaiStreamer, std::string("gs://") + value);
      for (const auto platform : {Platform::Gke, Platform::CloudRun, Platform::Eks}) {
        c.request.delivery.platform = platform;
        if (platform == Platform::CloudRun) {
          c.facts.accelerator.id = "nvidia-l4";
          if (field == 1) c.request.delivery.storage = Storage::Image;
        }
        const auto manifest = create(c.request, c.facts);
        if (!manifest) continue;
        const std::string text = to_yaml_text(*manifest, Output::All);
        EXPECT_EQ(text.find(value), std::string::npos) << field << " " << value;
        EXPECT_EQ(YAML::LoadAll(text).size(), manifest->objects.size());
        for (const File& file : manifest->files)
          EXPECT_EQ(file.text.find(value), std::string::npos) << file.path << " " << value;
      }
    }
  }
}

}  // namespace
}  // namespace kneepoint::manifest
