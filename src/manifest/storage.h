#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// Weights from Cloud Storage, mounted into the pod by GKE's Cloud Storage FUSE driver.
namespace kneepoint::manifest {

inline constexpr const char* kWeightsFolder = "/data";

/// Whether the server or its node fetches from Hugging Face.
bool from_hugging_face(const Request& request);

/// HF_HOME in memory: asked for, or because a default boot disk has no room.
bool kept_in_memory(const Request& request, double weights_gib);

/// Whether the weights count as ephemeral storage of the node.
bool kept_on_node(Storage storage);

/// What MODEL_ID holds: a Hugging Face id, a folder, or an address that is streamed.
std::string model_location(const Request& request);

/// InvalidArgument or Unsatisfiable where the platform, the bucket and the way to load do not go
/// together. Not for Cloud Run, which has rules of its own.
Result<void> check_storage(const Request& request, const Facts& facts);

/// The size of a disk that holds the weights, with room to spare.
int hyperdisk_gib(const Plan& plan);

struct BucketFolder {
  std::string bucket;
  std::string folder;  // without slashes at its ends; empty: all of the bucket
};

/// Of "gs://BUCKET[/FOLDER]", or s3://. InvalidArgument for names that Cloud Storage would not
/// take, and for folders with characters that a list of mount options gives another meaning.
Result<BucketFolder> bucket_folder(const std::string& uri, std::string_view scheme = "gs://");

/// What the driver of a cluster version can do; without a version, what 1.30.2 can.
struct FuseDriver {
  bool file_cache = true, parallel_download = true, metadata_prefetch = false, read_ahead = false;
  bool profiles = false;  // and with them buffered reads, which came in 1.34.0-gke.2011000
};
FuseDriver fuse_driver(const std::string& cluster_version);

/// Mounts the folder read-only at kWeightsFolder, through a file cache in memory that holds all of
/// it, filled by parallel downloads: volumes, mount, annotations of the pod and its service
/// account.
void mount_bucket(const BucketFolder& from, const Plan& plan, const FuseDriver& can,
                  const std::string& account, PodTemplate& pod);

/// The command that lets the service account of the pods at the bucket.
std::vector<std::string> bucket_access(const Request& request, const std::string& bucket,
                                       const std::string& account);

/// How the weights get there, who may read them, and what the cluster needs.
std::vector<std::string> storage_comments(const Request& request, const Facts& facts,
                                          const BucketFolder& from, const Plan& plan,
                                          const std::string& account);

}  // namespace kneepoint::manifest
