#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"

/// The networks of their own that the GPUs of several hosts talk over, by what Google's machines
/// have: GPUDirect-TCPX (A3 High), GPUDirect-TCPXO (A3 Mega), RDMA (A3 Ultra, A4), RDMA and NVLink
/// over hosts (A4X). Source of
/// interfaces, daemons and variables: GoogleCloudPlatform/container-engine-accelerators,
/// gpudirect-* and its release notes of January 2026; accelerated-platforms for RDMA. None was run
/// here.
namespace kneepoint::manifest {

/// The pod joins them: annotations, folders of the node, variables, and a daemon beside the server
/// where the machine needs one. Unsatisfiable: not described for this machine.
/// `channel` is the template of the claims by which pods join their ComputeDomain.
Result<void> join_gpu_network(const Facts& facts, const std::string& channel, PodTemplate& pod);

/// The hosts that NVLink joins for a set: NVIDIA's driver for such claims makes `channel` of it.
struct ComputeDomain {
  ObjectMeta meta;
  std::string channel;
};
json::Object to_json(const ComputeDomain& domain);

/// Whether the machines' GPUs reach those of other hosts by NVLink.
bool has_compute_domain(const Facts& facts);

/// A script that sets NCCL up and ends in exec "$@"; empty where variables do that.
std::string gpu_network_script(const Facts& facts);

/// What the pods joined, and what the cluster has to have for it.
std::vector<std::string> gpu_network_comments(const Facts& facts);

/// What hosts that did not join could have had; goes on after "the pods' own".
std::string gpu_network_offer(const Facts& facts);

}  // namespace kneepoint::manifest
