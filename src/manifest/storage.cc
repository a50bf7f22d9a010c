#include "manifest/storage.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_bucket(std::string_view name) {
  return name.size() >= 3 && name.size() <= 222 && letter_or_digit(name.front()) &&
         letter_or_digit(name.back()) && std::ranges::all_of(name, [](char c) {
           return letter_or_digit(c) || c == '-' || c == '_' || c == '.';
         });
}

bool is_folder_letter(char c) {
  return letter_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

/// Parts of letters, digits, '-', '_' and '.', joined by slashes; none starts with '-' or is "..".
bool is_folder(std::string_view folder) {
  if (folder.size() > 512) return false;
  while (true) {
    const auto slash = folder.find('/');
    const std::string_view part = folder.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.front() == '-' ||
        !std::ranges::all_of(part, is_folder_letter))
      return false;
    if (slash == std::string_view::npos) return true;
    folder.remove_prefix(slash + 1);
  }
}

std::string place(const BucketFolder& from) {
  return "gs://" + from.bucket + (from.folder.empty() ? "" : "/" + from.folder);
}

}  // namespace

Result<BucketFolder> bucket_folder(const std::string& uri) {
  constexpr std::string_view kScheme = "gs://";
  const auto invalid = [&](const std::string& why) {
    return fail(ErrorCode::InvalidArgument,
                "model bucket " + shown(uri) + " is not of the form gs://BUCKET[/FOLDER]: " + why);
  };
  if (!uri.starts_with(kScheme)) return invalid("it starts with gs://");
  std::string_view rest = std::string_view(uri).substr(kScheme.size());
  const auto slash = rest.find('/');
  BucketFolder out;
  out.bucket = rest.substr(0, slash);
  if (!is_bucket(out.bucket))
    return invalid("a bucket has lower case letters, digits, '-', '_' and '.'");
  if (slash == std::string_view::npos) return out;
  rest.remove_prefix(slash + 1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty()) return out;
  if (!is_folder(rest))
    return invalid("a folder has letters, digits, '-', '_' and '.' between its slashes");
  out.folder = rest;
  return out;
}

void mount_bucket(const BucketFolder& from, const Plan& plan, const std::string& account,
                  PodTemplate& pod) {
  const std::string cache = std::to_string(plan.cache_gib) + "Gi";
  const std::string sidecar = std::to_string(plan.sidecar_gib) + "Gi";
  pod.service_account = account;
  // Quantities of "0" stand for no limit. The cache lies in memory, so the memory has one.
  pod.annotations = {{"gke-gcsfuse/volumes", "true"},
                     {"gke-gcsfuse/cpu-limit", "0"},
                     {"gke-gcsfuse/ephemeral-storage-limit", "0"},
                     {"gke-gcsfuse/memory-request", sidecar},
                     {"gke-gcsfuse/memory-limit", sidecar}};
  // A volume of this very name takes the place of the driver's own cache.
  pod.volumes.push_back({"gke-gcsfuse-cache", cache});
  std::vector<std::string> options{
      "implicit-dirs",
      "file-cache:max-size-mb:" + std::to_string(1024 * plan.cache_gib),
      "file-cache:cache-file-for-range-read:true",
      "file-cache:enable-parallel-downloads:true",
      "file-cache:parallel-downloads-per-file:100",
      "file-cache:max-parallel-downloads:-1",
      "file-cache:download-chunk-size-mb:10",
      "metadata-cache:ttl-secs:-1",
      "metadata-cache:stat-cache-max-size-mb:-1",
      "metadata-cache:type-cache-max-size-mb:-1",
      "file-system:kernel-list-cache-ttl-secs:-1"};
  if (!from.folder.empty()) options.push_back("only-dir:" + from.folder);
  pod.csi_volumes.push_back({"weights",
                             "gcsfuse.csi.storage.gke.io",
                             true,
                             {{"bucketName", from.bucket}, {"mountOptions", join(options, ",")}}});
  for (Container& container : pod.containers)
    container.mounts.push_back({"weights", kWeightsFolder, true});
}

std::vector<std::string> storage_comments(const Request& request, const Facts& facts,
                                          const BucketFolder& from, const Plan& plan,
                                          const std::string& account) {
  const std::string& loaded = request.checkpoint.empty() ? request.model : request.checkpoint;
  std::vector<std::string> out;
  out.push_back(fmt::format(
      "Weights: {} at {}, read-only, through a file cache of {} GiB in memory ({} GiB for the "
      "driver's sidecar, on top of the server's)",
      place(from), kWeightsFolder, plan.cache_gib, plan.sidecar_gib));
  out.emplace_back(
      "The cluster needs the Cloud Storage FUSE driver and Workload Identity Federation (both are "
      "on in Autopilot) and GKE 1.29.6-gke.1254000 or 1.30.2-gke.1394000 or later, for parallel "
      "downloads. The folder directly holds config.json and the weights of " +
      facts.model.id);
  out.emplace_back("To put them there:");
  out.push_back("  hf download " + shell_word(loaded) + " --local-dir=weights");
  out.push_back("  gcloud storage cp --recursive 'weights/*' " + shell_word(place(from) + "/"));
  out.emplace_back("To let the pods read them (PROJECT_NUMBER and PROJECT_ID are yours):");
  out.push_back("  gcloud storage buckets add-iam-policy-binding " +
                shell_word("gs://" + from.bucket) +
                " --role=roles/storage.objectViewer "
                "--member=principal://iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/"
                "workloadIdentityPools/PROJECT_ID.svc.id.goog/subject/ns/" +
                shell_word(request.namespace_name) + "/sa/" + account);
  return out;
}

}  // namespace kneepoint::manifest
