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

struct BucketFolder {
  std::string bucket;
  std::string folder;  // without slashes at its ends; empty: all of the bucket
};

/// Of "gs://BUCKET[/FOLDER]". InvalidArgument for names that Cloud Storage would not take, and for
/// folders with characters that a list of mount options gives another meaning.
Result<BucketFolder> bucket_folder(const std::string& uri);

/// Mounts the folder read-only at kWeightsFolder, through a file cache in memory that holds all of
/// it, filled by parallel downloads: volumes, mount, annotations of the pod and its service
/// account.
void mount_bucket(const BucketFolder& from, const Plan& plan, const std::string& account,
                  PodTemplate& pod);

/// How the weights get there, who may read them, and what the cluster needs.
std::vector<std::string> storage_comments(const Request& request, const Facts& facts,
                                          const BucketFolder& from, const Plan& plan,
                                          const std::string& account);

}  // namespace kneepoint::manifest
