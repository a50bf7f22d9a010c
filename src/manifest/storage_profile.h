#pragma once

#include <string>
#include <vector>

#include "manifest/objects.h"
#include "manifest/plan.h"
#include "manifest/request.h"
#include "manifest/storage.h"
#include "manifest/storage_objects.h"

/// Weights from Cloud Storage, mounted as the driver's own StorageClass for serving says: it scans
/// the bucket, sizes what it caches of it by the node, reads ahead into buffers of memory, and
/// turns on the bucket's cache in the zone. Source: gcs-fuse-csi-driver, examples/gcsfuse-profiles.
namespace kneepoint::manifest {

inline constexpr const char* kServingProfile = "gcsfusecsi-serving";
inline constexpr const char* kProfilesSince = "1.35.1-gke.1616000";  // of GKE
inline constexpr int kProfileSidecarGib = 2;  // 80 buffers of 16 MiB, and the sidecar itself

struct ProfileVolume {
  PersistentVolume volume;
  PersistentVolumeClaim claim;
};

/// Mounts the folder read-only at kWeightsFolder through a claim of its own. `meta` has namespace
/// and labels of the set; the volume is the cluster's and told apart by the namespace.
ProfileVolume mount_by_profile(const BucketFolder& from, const Plan& plan, const ObjectMeta& meta,
                               const std::string& base, const std::string& account,
                               PodTemplate& pod);

/// How the weights get there, who may read and who may scan them, what the cluster needs.
std::vector<std::string> profile_comments(const Request& request, const Facts& facts,
                                          const BucketFolder& from, const ProfileVolume& made,
                                          const std::string& account);

}  // namespace kneepoint::manifest
