#pragma once

#include <string>
#include <string_view>

/// Over how many machines a replica is spread and what stands before the replicas: what a user
/// chooses beside the setup.
namespace kneepoint::manifest {

/// How the hosts of one replica find one another.
enum class GroupStart {
  Auto,    // the server's own way where this version has one, else Ray
  Native,  // the server's own: rank and address of the leader as arguments
  Ray      // a Ray cluster in each group, the server on its leader
};
std::string_view name(GroupStart start);  // "ray": the words of --multi-host-start

struct Hosting {
  GroupStart start = GroupStart::Auto;
  /// The machine's GPU network in the pods. Its Network objects must be in the cluster.
  bool gpu_network = false;
  /// A label of nodes: each group alone on the nodes of one of its values. Empty: anywhere.
  std::string exclusive_topology;
};

}  // namespace kneepoint::manifest
