#include "manifest/storage_profile.h"

#include <algorithm>
#include <cmath>

#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr const char* kDriver = "gcsfuse.csi.storage.gke.io";
// The driver's own account: it scans the bucket before a pod is there.
constexpr const char* kScanner =
    "principal://iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/workloadIdentityPools/"
    "PROJECT_ID.svc.id.goog/subject/ns/gcs-fuse-csi-driver/sa/gcs-fuse-csi-controller-sa";

}  // namespace

ProfileVolume mount_by_profile(const BucketFolder& from, const Plan& plan, const ObjectMeta& meta,
                               const std::string& base, const std::string& account,
                               PodTemplate& pod) {
  ProfileVolume out;
  PersistentVolume& volume = out.volume;
  out.claim.meta = volume.meta = meta;
  out.claim.meta.name = base + "-weights";
  volume.meta.name = meta.namespace_name + "-" + base + "-weights";
  volume.meta.namespace_name.clear();
  volume.storage_class = out.claim.storage_class = kServingProfile;
  volume.access_mode = out.claim.access_mode = "ReadOnlyMany";
  // A bucket has no size: the driver asks for one and does not look at it.
  volume.gib = out.claim.gib = std::max(1, static_cast<int>(std::ceil(plan.weight_bytes / kGib)));
  volume.driver = kDriver;
  volume.handle = from.bucket;
  volume.mount_options = {"implicit-dirs"};
  if (!from.folder.empty()) volume.mount_options.push_back("only-dir:" + from.folder);
  volume.claim = out.claim.meta.name;
  volume.claim_namespace = meta.namespace_name;
  out.claim.volume = volume.meta.name;

  pod.service_account = account;
  // Quantities of "0" stand for no limit: the profile decides.
  pod.annotations = {{"gke-gcsfuse/volumes", "true"},
                     {"gke-gcsfuse/profiles", "true"},
                     {"gke-gcsfuse/cpu-limit", "0"},
                     {"gke-gcsfuse/ephemeral-storage-limit", "0"},
                     {"gke-gcsfuse/memory-request", std::to_string(kProfileSidecarGib) + "Gi"},
                     {"gke-gcsfuse/memory-limit", "0"}};
  pod.claims.push_back({"weights", out.claim.meta.name, true});
  for (Container& container : pod.containers)
    container.mounts.push_back({"weights", kWeightsFolder, true});
  return out;
}

std::vector<std::string> profile_comments(const Request& request, const Facts& facts,
                                          const BucketFolder& from, const ProfileVolume& made,
                                          const std::string& account) {
  const std::string bucket = shell_word("gs://" + from.bucket);
  std::vector<std::string> out;
  out.push_back("Weights: gs://" + from.bucket + (from.folder.empty() ? "" : "/" + from.folder) +
                " at " + kWeightsFolder + ", read-only, as the driver's StorageClass " +
                kServingProfile +
                " says: no file cache, read ahead into at most 80 buffers of 16 MiB, and the "
                "bucket's cache in the zone (Anywhere Cache), which costs extra. The folder "
                "directly holds config.json and the weights of " +
                facts.model.id);
  out.push_back(std::string("It needs GKE ") + kProfilesSince +
                " or later with the Cloud Storage FUSE driver and Workload Identity Federation "
                "(both are on in Autopilot). The StorageClass comes with the driver:");
  out.emplace_back("  kubectl get storageclass --selector=gke-gcsfuse/profile=true");
  out.emplace_back(
      "The driver scans the bucket to size what it caches, which it must be allowed to, and its "
      "metrics to be read (PROJECT_NUMBER and PROJECT_ID are yours):");
  out.emplace_back(
      "  gcloud iam roles create gke.gcsfuse.profileTuner --project=PROJECT_ID "
      "--permissions=storage.objects.list,storage.buckets.get");
  out.push_back("  gcloud storage buckets add-iam-policy-binding " + bucket +
                " --role=projects/PROJECT_ID/roles/gke.gcsfuse.profileTuner --member=" + kScanner);
  out.push_back(std::string("  gcloud projects add-iam-policy-binding PROJECT_ID "
                            "--role=roles/monitoring.viewer --member=") +
                kScanner);
  for (auto& line : bucket_access(request, from.bucket, account)) out.push_back(std::move(line));
  out.push_back("The PersistentVolume " + made.volume.meta.name +
                " is the cluster's and goes only by its name; deleting it leaves the bucket as it "
                "is");
  return out;
}

}  // namespace kneepoint::manifest
