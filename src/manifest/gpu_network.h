#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"

/// The networks of their own that the GPUs of several hosts talk over, by what Google's machines
/// have: GPUDirect-TCPX (A3 High), GPUDirect-TCPXO (A3 Mega), RDMA (A3 Ultra, A4). Source of
/// interfaces, daemons and variables: GoogleCloudPlatform/container-engine-accelerators,
/// gpudirect-* and its release notes of January 2026; accelerated-platforms for RDMA. None was run
/// here.
namespace kneepoint::manifest {

/// The pod joins them: annotations, folders of the node, variables, and a daemon beside the server
/// where the machine needs one. Unsatisfiable: not described for this machine.
Result<void> join_gpu_network(const Facts& facts, PodTemplate& pod);

/// A script that sets NCCL up and ends in exec "$@"; empty where variables do that.
std::string gpu_network_script(const Facts& facts);

/// What the pods joined, and what the cluster has to have for it.
std::vector<std::string> gpu_network_comments(const Facts& facts);

/// What hosts that did not join could have had; goes on after "the pods' own".
std::string gpu_network_offer(const Facts& facts);

}  // namespace kneepoint::manifest
