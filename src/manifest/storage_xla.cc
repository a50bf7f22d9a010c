#include "manifest/storage_xla.h"

#include <algorithm>

#include "manifest/storage.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

constexpr const char* kVolume = "xla-cache";
constexpr const char* kFolder = "/xla-cache";

BucketFolder target(const Request& request) {
  return bucket_folder(request.delivery.xla_cache_uri).value_or(BucketFolder{});
}

}  // namespace

bool one_replica_first(const Request& request) { return !request.delivery.xla_cache_uri.empty(); }

Result<void> check_xla_cache(const Request& request, const Facts& facts) {
  if (request.delivery.xla_cache_uri.empty()) return {};
  if (facts.accelerator.kind != "tpu")
    return fail(ErrorCode::InvalidArgument, "--xla-cache-uri is for TPUs: a server on " +
                                                facts.accelerator.id +
                                                " compiles nothing that is kept there");
  if (request.delivery.platform != Platform::Gke)
    return fail(ErrorCode::InvalidArgument, "--xla-cache-uri is for --platform=gke");
  if (auto found = bucket_folder(request.delivery.xla_cache_uri); !found)
    return fail(std::move(found).error());
  return {};
}

void mount_xla_cache(const Request& request, PodTemplate& pod) {
  const BucketFolder to = target(request);
  const std::string options = "implicit-dirs" + (to.folder.empty() ? "" : ",only-dir:" + to.folder);
  // In the place of a folder of the node.
  std::erase_if(pod.disk_volumes, [](const auto& one) { return one.name == kVolume; });
  pod.csi_volumes.push_back({kVolume,
                             "gcsfuse.csi.storage.gke.io",
                             false,
                             {{"bucketName", to.bucket}, {"mountOptions", options}}});
  for (Container& container : pod.containers) {
    const auto mounted = [](const auto& one) { return one.name == kVolume; };
    if (std::ranges::any_of(container.mounts, mounted)) continue;
    container.mounts.push_back({kVolume, kFolder, false});
    container.env.push_back({"VLLM_XLA_CACHE_PATH", kFolder, "", ""});
  }
  for (const auto& [key, value] : pod.annotations) {
    if (key == "gke-gcsfuse/volumes") return;
  }
  pod.annotations.emplace_back("gke-gcsfuse/volumes", "true");
}

std::vector<std::string> xla_cache_comments(const Request& request, const std::string& base) {
  std::vector<std::string> out{
      "Compiled programs are kept in " + request.delivery.xla_cache_uri +
          ". Replicas that start together collide when they write there: this set starts with one. "
          "When it is ready, set the replicas, or the least of the autoscaler, to what you need:",
      "  kubectl scale deployment/" + base + "-deployment --replicas=" +
          std::to_string(request.replicas) + " --namespace=" + shell_word(request.namespace_name)};
  Request writes = request;
  writes.delivery.fill_bucket = true;
  for (auto& line : bucket_access(writes, target(request).bucket, base + "-account"))
    out.push_back(std::move(line));
  return out;
}

}  // namespace kneepoint::manifest
