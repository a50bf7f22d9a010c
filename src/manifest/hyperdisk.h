#pragma once

#include <string>
#include <vector>

#include "manifest/facts.h"
#include "manifest/manifest.h"
#include "manifest/objects.h"
#include "manifest/plan.h"

/// Weights on a Hyperdisk ML volume: a Job fills one disk, a snapshot of kind image makes read-only
/// ones of it that many nodes mount. GKE 1.30.2 or later.
namespace kneepoint::manifest {

/// StorageClass, the claim and the Job that fill it, and the claim the servers read; mounts that
/// one read-only at kWeightsFolder. The last stays pending until the snapshot is there.
std::vector<Object> hyperdisk(const Request& request, const Facts& facts, const Plan& plan,
                              const ObjectMeta& meta, const std::string& base, PodTemplate& pod);

std::vector<std::string> hyperdisk_comments(const Request& request, const Plan& plan,
                                            const std::string& base);

}  // namespace kneepoint::manifest
