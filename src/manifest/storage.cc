#include "manifest/storage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>

#include "base/text.h"
#include "manifest/gguf.h"
#include "manifest/streamer.h"
#include "manifest/text.h"

namespace kneepoint::manifest {
namespace {

/// 1.33.2-gke.4655000 as numbers.
struct GkeVersion {
  std::array<long long, 4> parts{};
  auto operator<=>(const GkeVersion&) const = default;
};

std::optional<GkeVersion> gke_version(std::string_view text) {
  GkeVersion out;
  const auto build = text.find("-gke.");
  const auto numbers = split(text.substr(0, build), '.');
  if (numbers.size() != 3) return std::nullopt;
  for (std::size_t i = 0; i < 4; ++i) {
    if (i == 3 && build == std::string_view::npos) break;
    const auto number = parse_integer(i < 3 ? numbers[i] : text.substr(build + 5));
    if (!number || *number < 0) return std::nullopt;
    out.parts[i] = *number;
  }
  return out;
}

/// A feature that came to several minor versions at once: each of them from a patch on, and all
/// later ones.
bool since(const GkeVersion& have, std::initializer_list<GkeVersion> gates) {
  for (const GkeVersion& gate : gates) {
    if (have.parts[0] == gate.parts[0] && have.parts[1] == gate.parts[1]) return have >= gate;
  }
  return have > *(gates.end() - 1);
}

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

FuseDriver fuse_driver(const std::string& cluster_version) {
  const auto have = gke_version(cluster_version);
  if (!have) return {};
  FuseDriver out;
  out.file_cache =
      since(*have, {{{1, 27, 12, 1190000}}, {{1, 28, 8, 1175000}}, {{1, 29, 3, 1093000}}});
  out.parallel_download = since(*have, {{{1, 29, 6, 1254000}}, {{1, 30, 2, 1394000}}});
  out.metadata_prefetch = since(*have, {{{1, 32, 1, 1357001}}});
  out.read_ahead = since(*have, {{{1, 32, 2, 1297001}}});
  out.profiles = since(*have, {{{1, 35, 1, 1616000}}});
  return out;
}

bool from_hugging_face(const Request& request) {
  switch (request.delivery.storage) {
    case Storage::Auto:
      return request.model_bucket_uri.empty();
    case Storage::GcsFuse:
    case Storage::GcsFuseProfile:
    case Storage::RunaiStreamer:
    case Storage::HyperdiskMl:
    case Storage::Image:
    case Storage::Download:
      return false;
    default:
      return true;
  }
}

bool kept_in_memory(const Request& request, double weights_gib) {
  if (request.delivery.storage == Storage::Memory) return true;
  return request.delivery.storage == Storage::Auto && request.model_bucket_uri.empty() &&
         weights_gib >= kBootDiskGib;
}

bool kept_on_node(Storage storage) {
  return storage == Storage::BootDisk || storage == Storage::LocalSsd;
}

std::string model_location(const Request& request) {
  if (request.delivery.storage == Storage::RunaiStreamer) return request.model_bucket_uri;
  if (!from_hugging_face(request)) return kWeightsFolder;
  return request.checkpoint.empty() ? request.model : request.checkpoint;
}

namespace {

/// A cluster too old for the volume that was chosen would say so only when the pods start.
Result<void> check_cluster(const Delivery& asked, bool bucket) {
  const auto have = gke_version(asked.cluster_version);
  if (!have || asked.platform != Platform::Gke) return {};
  const bool mounted =
      bucket && (asked.storage == Storage::Auto || asked.storage == Storage::GcsFuse);
  if (mounted && !fuse_driver(asked.cluster_version).file_cache)
    return fail(ErrorCode::Unsatisfiable,
                "Cloud Storage FUSE of GKE " + asked.cluster_version +
                    " has no file cache (1.27.12-gke.1190000, 1.28.8-gke.1175000, "
                    "1.29.3-gke.1093000 and later have): upgrade the cluster, or take "
                    "--storage=runai-streamer");
  if (asked.storage == Storage::GcsFuseProfile && !fuse_driver(asked.cluster_version).profiles)
    return fail(ErrorCode::Unsatisfiable,
                "Cloud Storage FUSE of GKE " + asked.cluster_version +
                    " has no profiles (1.35.1-gke.1616000 and later have): upgrade the cluster, or "
                    "take --storage=gcs-fuse");
  if (asked.storage == Storage::HyperdiskMl && !since(*have, {{{1, 30, 2, 1394000}}}))
    return fail(ErrorCode::Unsatisfiable,
                "GKE " + asked.cluster_version +
                    " has no Hyperdisk ML (1.30.2-gke.1394000 and later have): upgrade the "
                    "cluster, or take --model-bucket-uri");
  return {};
}

}  // namespace

Result<void> check_storage(const Request& request, const Facts& facts) {
  const Delivery& asked = request.delivery;
  const bool bucket = !request.model_bucket_uri.empty();
  const bool gke = asked.platform == Platform::Gke;
  const std::string flag = "--storage=" + std::string(name(asked.storage));
  const auto invalid = [](std::string why) {
    return fail(ErrorCode::InvalidArgument, std::move(why));
  };
  if (loads_gguf(facts.server) &&
      (bucket || (asked.storage != Storage::Auto && asked.storage != Storage::BootDisk)))
    return invalid(facts.server.name +
                   " fetches its own file: leave --storage and --model-bucket-uri out");
  switch (asked.storage) {
    case Storage::RunaiStreamer: {
      if (!bucket) return invalid(flag + " reads a bucket: name it with --model-bucket-uri");
      const bool s3 = request.model_bucket_uri.starts_with("s3://");
      if (auto found = bucket_folder(request.model_bucket_uri, s3 ? "s3://" : "gs://"); !found)
        return fail(std::move(found).error());
      if (auto ok = streamer_supported(facts, request.model_bucket_uri); !ok) return ok;
      break;
    }
    case Storage::Image:
    case Storage::Download:
      return invalid(flag + " is for --platform=cloud-run");
    case Storage::HyperdiskMl:
      if (!gke) return invalid(flag + " is for --platform=gke");
      [[fallthrough]];
    case Storage::BootDisk:
    case Storage::Memory:
    case Storage::LocalSsd:
    case Storage::Volume:
      if (bucket) return invalid(flag + " does not read a bucket: leave --model-bucket-uri out");
      break;
    case Storage::Auto:
    case Storage::GcsFuse:
    case Storage::GcsFuseProfile:
      if (!bucket && asked.storage != Storage::Auto)
        return invalid(flag +
                       " reads a bucket: name it with --model-bucket-uri=gs://BUCKET/FOLDER");
      if (bucket && !gke)
        return invalid("GKE's driver mounts the bucket; on " + std::string(name(asked.platform)) +
                       " take --storage=runai-streamer, or --storage=volume without a bucket");
      break;
  }
  if (!asked.storage_class.empty() && asked.storage != Storage::Volume)
    return invalid("--storage-class belongs to --storage=volume");
  if (!asked.storage_class.empty() && !is_dns_subdomain(asked.storage_class))
    return invalid("storage class " + shown(asked.storage_class) + " is not a DNS name");
  if (asked.fill_bucket && !gke)
    return invalid("--fill-bucket is for --platform=gke, whose pods may write to a bucket");
  if (asked.fill_bucket && !request.model_bucket_uri.starts_with("gs://"))
    return invalid("--fill-bucket copies into --model-bucket-uri=gs://BUCKET/FOLDER");
  if (!asked.cluster_version.empty() && !gke_version(asked.cluster_version))
    return invalid("cluster version " + shown(asked.cluster_version) +
                   " is not of the form 1.33.2-gke.4655000");
  return check_cluster(asked, bucket);
}

int hyperdisk_gib(const Plan& plan) {
  constexpr double kGib = 1024.0 * 1024 * 1024;
  return std::max(4, static_cast<int>(std::ceil(plan.weight_bytes / kGib * 1.1)));
}

Result<BucketFolder> bucket_folder(const std::string& uri, std::string_view scheme) {
  const auto invalid = [&](const std::string& why) {
    return fail(ErrorCode::InvalidArgument, "model bucket " + shown(uri) + " is not of the form " +
                                                std::string(scheme) + "BUCKET[/FOLDER]: " + why);
  };
  if (!uri.starts_with(scheme)) return invalid("it starts with " + std::string(scheme));
  std::string_view rest = std::string_view(uri).substr(scheme.size());
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

void mount_bucket(const BucketFolder& from, const Plan& plan, const FuseDriver& can,
                  const std::string& account, PodTemplate& pod) {
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
      "implicit-dirs", "file-cache:max-size-mb:" + std::to_string(1024 * plan.cache_gib),
      "file-cache:cache-file-for-range-read:true"};
  if (can.parallel_download) {
    for (const char* option :
         {"file-cache:enable-parallel-downloads:true", "file-cache:parallel-downloads-per-file:100",
          "file-cache:max-parallel-downloads:-1", "file-cache:download-chunk-size-mb:10"})
      options.emplace_back(option);
  }
  for (const char* option :
       {"metadata-cache:ttl-secs:-1", "metadata-cache:stat-cache-max-size-mb:-1",
        "metadata-cache:type-cache-max-size-mb:-1", "file-system:kernel-list-cache-ttl-secs:-1"})
    options.emplace_back(option);
  if (can.read_ahead) options.emplace_back("read_ahead_kb=1024");
  if (!from.folder.empty()) options.push_back("only-dir:" + from.folder);
  pod.csi_volumes.push_back({"weights",
                             "gcsfuse.csi.storage.gke.io",
                             true,
                             {{"bucketName", from.bucket}, {"mountOptions", join(options, ",")}}});
  if (can.metadata_prefetch)
    pod.csi_volumes.back().attributes.emplace_back("gcsfuseMetadataPrefetchOnMount", "true");
  for (Container& container : pod.containers)
    container.mounts.push_back({"weights", kWeightsFolder, true});
}

std::vector<std::string> bucket_access(const Request& request, const std::string& bucket,
                                       const std::string& account) {
  const char* role =
      request.delivery.fill_bucket ? "roles/storage.objectUser" : "roles/storage.objectViewer";
  return {"To let the pods read them (PROJECT_NUMBER and PROJECT_ID are yours):",
          "  gcloud storage buckets add-iam-policy-binding " + shell_word("gs://" + bucket) +
              " --role=" + role +
              " --member=principal://iam.googleapis.com/projects/PROJECT_NUMBER/locations/global/"
              "workloadIdentityPools/PROJECT_ID.svc.id.goog/subject/ns/" +
              shell_word(request.namespace_name) + "/sa/" + account};
}

std::vector<std::string> storage_comments(const Request& request, const Facts& facts,
                                          const BucketFolder& from, const Plan& plan,
                                          const std::string& account) {
  const std::string& loaded = request.checkpoint.empty() ? request.model : request.checkpoint;
  const FuseDriver can = fuse_driver(request.delivery.cluster_version);
  std::vector<std::string> out;
  out.push_back(fmt::format(
      "Weights: {} at {}, read-only, through a file cache of {} GiB in memory ({} GiB for the "
      "driver's sidecar, on top of the server's)",
      place(from), kWeightsFolder, plan.cache_gib, plan.sidecar_gib));
  out.push_back(
      "The cluster needs the Cloud Storage FUSE driver and Workload Identity Federation (both are "
      "on in Autopilot) and GKE 1.29.6-gke.1254000 or 1.30.2-gke.1394000 or later, for parallel "
      "downloads. The folder directly holds config.json and the weights of " +
      facts.model.id);
  if (!can.parallel_download)
    out.push_back("Cluster version " + request.delivery.cluster_version +
                  " has no parallel download: it is not set, and the first read is slower");
  if (request.delivery.cluster_version.empty())
    out.emplace_back(
        "With --cluster-version the driver is also told to prefetch metadata (from "
        "1.32.1-gke.1357001 on) and to read ahead (from 1.32.2-gke.1297001 on)");
  if (!request.delivery.fill_bucket) {
    out.emplace_back("To put them there (or have a Job do it: --fill-bucket):");
    out.push_back("  hf download " + shell_word(loaded) + " --local-dir=weights");
    out.push_back("  gcloud storage cp --recursive 'weights/*' " + shell_word(place(from) + "/"));
  }
  for (auto& line : bucket_access(request, from.bucket, account)) out.push_back(std::move(line));
  return out;
}

}  // namespace kneepoint::manifest
