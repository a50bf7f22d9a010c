#include "manifest/storage_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "manifest/args.h"
#include "manifest/hyperdisk.h"
#include "manifest/storage.h"
#include "manifest/storage_objects.h"
#include "manifest/storage_profile.h"
#include "manifest/storage_xla.h"
#include "manifest/streamer.h"
#include "manifest/text.h"
#include "manifest/transfer.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kCacheFolder = "/weights";

/// What the steps below share.
struct Step {
  const Request& request;
  const Facts& facts;
  const Plan& plan;
  const ObjectMeta& meta;
  const std::string& base;
  PodTemplate& pod;
  Placed& out;

  ObjectMeta named(const std::string& suffix) const {
    ObjectMeta copy = meta;
    copy.name = base + suffix;
    return copy;
  }
  template <class T>
  void add(const T& value) const {
    json::Object doc = to_json(value);
    out.objects.push_back({std::string(doc.at("kind").as_string()),
                           std::string(doc.at("apiVersion").as_string()), value.meta.name,
                           std::move(doc)});
  }
  void say(std::string line) const { out.comments.push_back(std::move(line)); }
  void say(std::vector<std::string> lines) const {
    for (auto& line : lines) out.comments.push_back(std::move(line));
  }
  void each(const EnvVar& variable, const VolumeMount& mount) const {
    for (Container& container : pod.containers) {
      container.env.push_back(variable);
      container.mounts.push_back(mount);
    }
  }
};

void account(const Step& step, const std::string& name) {
  ServiceAccount who{step.named("-account")};
  if (step.request.delivery.fill_bucket) who.meta.labels.emplace_back(kStepLabel, kFillStep);
  step.add(who);
  step.pod.service_account = name;
}

void fill(const Step& step, const BucketFolder& to, const std::string& name) {
  if (!step.request.delivery.fill_bucket) return;
  ObjectMeta meta = step.named("-fill");
  meta.labels.emplace_back(kStepLabel, kFillStep);
  step.add(transfer_to_bucket(step.request, step.facts, step.plan, to, meta, name));
  step.say(transfer_comments(step.request, step.base + "-fill"));
}

void mounted(const Step& step) {
  const BucketFolder from = bucket_folder(step.request.model_bucket_uri).value_or(BucketFolder{});
  const std::string name = step.base + "-account";
  account(step, name);
  mount_bucket(from, step.plan, fuse_driver(step.request.delivery.cluster_version), name, step.pod);
  step.say(storage_comments(step.request, step.facts, from, step.plan, name));
  fill(step, from, name);
}

void by_profile(const Step& step) {
  const BucketFolder from = bucket_folder(step.request.model_bucket_uri).value_or(BucketFolder{});
  const std::string name = step.base + "-account";
  account(step, name);
  const ProfileVolume made =
      mount_by_profile(from, step.plan, step.meta, step.base, name, step.pod);
  step.add(made.volume);
  step.add(made.claim);
  step.say(profile_comments(step.request, step.facts, from, made, name));
  fill(step, from, name);
}

void streamed(const Step& step) {
  const std::string& uri = step.request.model_bucket_uri;
  const bool s3 = uri.starts_with("s3://");
  const BucketFolder from = bucket_folder(uri, s3 ? "s3://" : "gs://").value_or(BucketFolder{});
  const std::string name = step.base + "-account";
  account(step, name);
  for (Container& container : step.pod.containers) stream_weights(step.facts, step.plan, container);
  step.say(fmt::format(
      "Weights: streamed from {} by the server itself, safetensors only, at most {} GiB of them in "
      "host memory at a time",
      uri, kStreamerGib));
  if (s3) {
    step.say("The pods' service account " + name + " may read the bucket: on EKS by Pod Identity,");
    step.say("  aws eks create-pod-identity-association --cluster-name=CLUSTER --namespace=" +
             shell_word(step.request.namespace_name) + " --service-account=" + name +
             " --role-arn=ROLE   # with s3:GetObject and s3:ListBucket on " + from.bucket);
    step.say(
        "elsewhere by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from a Secret, and "
        "AWS_ENDPOINT_URL for a store that is not Amazon's");
    return;
  }
  if (step.request.delivery.platform == Platform::Gke) {
    step.say(bucket_access(step.request, from.bucket, name));
  } else {
    step.say("Outside Google the pods need a key that may read " + from.bucket +
             ": a Secret mounted as a file, and GOOGLE_APPLICATION_CREDENTIALS with its path");
  }
  fill(step, from, name);
}

void on_hyperdisk(const Step& step) {
  for (auto& one : hyperdisk(step.request, step.facts, step.plan, step.meta, step.base, step.pod))
    step.out.objects.push_back(std::move(one));
  step.say(hyperdisk_comments(step.request, step.plan, step.base));
}

void on_local_ssd(const Step& step) {
  const std::string size = std::to_string(step.plan.ephemeral_gib) + "Gi";
  step.pod.disk_volumes.push_back({"weights", size});
  step.each({"HF_HOME", std::string(kCacheFolder) + "/hf_cache", "", ""},
            {"weights", kCacheFolder});
  if (step.request.delivery.platform == Platform::Gke) {
    step.pod.node_selector.emplace_back("cloud.google.com/gke-ephemeral-storage-local-ssd", "true");
    step.say(
        "Weights: on local NVMe disks that are the node's ephemeral storage. The node pool is "
        "made with --ephemeral-storage-local-ssd=count=N (a3, a4: they come with the machine)");
  } else {
    step.say(
        "Weights: on the node's ephemeral storage, which has to lie on its local NVMe disks: "
        "on EKS with instanceStorePolicy RAID0 of the node class, on AKS with "
        "--node-osdisk-type=Ephemeral");
  }
  step.say("A new pod on the same node fetches them again; a container that restarts does not");
}

std::string volume_class(const Delivery& asked) {
  if (!asked.storage_class.empty()) return asked.storage_class;
  switch (asked.platform) {
    case Platform::Gke:
      return "standard-rwx";
    case Platform::Eks:
      return "efs-sc";
    case Platform::Aks:
      return "azurefile-csi-premium";
    default:
      return "";
  }
}

void on_volume(const Step& step) {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  PersistentVolumeClaim claim{
      step.named("-weights"), volume_class(step.request.delivery), "ReadWriteMany",
      static_cast<int>(std::ceil(step.plan.weight_bytes / kGib * 1.1)) + 5, ""};
  step.add(claim);
  step.pod.claims.push_back({"weights", claim.meta.name, false});
  step.each({"HF_HOME", std::string(kCacheFolder) + "/hf_cache", "", ""},
            {"weights", kCacheFolder});
  step.say(fmt::format(
      "Weights: on a volume of {} GiB that all replicas share, class {}; the first replica fetches "
      "them, so start with one and add the others when it is ready",
      claim.gib, claim.storage_class.empty() ? "of the cluster's default" : claim.storage_class));
}

/// A default boot disk has no room: Autopilot and node auto-creation make nodes by a class, a
/// Standard node pool says so itself.
void on_boot_disk(const Step& step) {
  const int disk = (step.plan.ephemeral_gib * 10 + 8) / 9 + 10;
  if (step.request.delivery.platform != Platform::Gke || step.plan.ephemeral_gib <= kBootDiskGib)
    return;
  if (!step.facts.machine) {
    step.say(
        fmt::format("The weights need a boot disk of {} GiB: --disk-size={} of a node pool; with "
                    "--instance-type a ComputeClass that asks for it becomes part of the set",
                    disk, disk));
    return;
  }
  ComputeClass nodes;
  nodes.meta = step.named("-nodes");
  nodes.meta.namespace_name.clear();
  nodes.machine_type = step.facts.machine->machine_type;
  nodes.boot_disk_gib = disk;
  nodes.accelerator = step.facts.accelerator.gke_label;
  nodes.accelerators = static_cast<int>(step.facts.machine->accelerator_count);
  step.add(nodes);
  std::erase_if(step.pod.node_selector, [](const auto& one) {
    return one.first == "cloud.google.com/gke-gpu-driver-version";
  });
  step.pod.node_selector.emplace_back("cloud.google.com/compute-class", nodes.meta.name);
  step.say(
      fmt::format("ComputeClass {} makes {} nodes with a boot disk of {} GiB; GKE 1.30.3 or "
                  "later (no public definition of this kind: not validated)",
                  nodes.meta.name, nodes.machine_type, disk));
}

}  // namespace

Result<Placed> place_weights(const Request& request, const Facts& facts, const Plan& plan,
                             const ObjectMeta& meta, const std::string& base, PodTemplate& pod) {
  if (auto ok = check_storage(request, facts); !ok) return fail(ok.error());
  if (!request.model_bucket_uri.empty() && request.delivery.storage != Storage::RunaiStreamer) {
    if (auto found = bucket_folder(request.model_bucket_uri); !found)
      return fail(std::move(found).error());
  }
  if (auto ok = check_xla_cache(request, facts); !ok) return fail(ok.error());
  Placed out;
  const Step step{request, facts, plan, meta, base, pod, out};
  switch (storage_in_use(request, plan)) {
    case Storage::GcsFuse:
      mounted(step);
      break;
    case Storage::GcsFuseProfile:
      by_profile(step);
      break;
    case Storage::RunaiStreamer:
      streamed(step);
      break;
    case Storage::HyperdiskMl:
      on_hyperdisk(step);
      break;
    case Storage::LocalSsd:
      on_local_ssd(step);
      break;
    case Storage::Volume:
      on_volume(step);
      break;
    case Storage::BootDisk:
      if (request.delivery.storage == Storage::BootDisk) on_boot_disk(step);
      break;
    default:
      break;
  }
  if (one_replica_first(request)) {
    if (pod.service_account.empty()) account(step, base + "-account");
    mount_xla_cache(request, pod);
    step.say(xla_cache_comments(request, base));
  }
  for (auto& line : storage_table(storage_options(request, facts, plan), plan))
    out.comments.push_back(std::move(line));
  return out;
}

}  // namespace kneepoint::manifest
