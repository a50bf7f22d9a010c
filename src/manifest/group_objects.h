#pragma once

#include "manifest/objects.h"

/// Groups of pods that serve together, as values; see objects.h.
namespace kneepoint::manifest {

/// A group is a leader and workers, a pod on each of `size` hosts. A pod that restarts takes its
/// group with it: what the others had loaded is of no use without it.
struct LeaderWorkerSet {
  ObjectMeta meta;
  int replicas = 1;  // groups
  int size = 1;      // pods of a group, the leader among them
  /// Pods of a part of a group that belong together, the leader to the first; 0: no parts.
  int part = 0;
  PodTemplate leader, worker;
};

// What the controller writes on pods; a set's own objects select by it.
inline constexpr const char* kGroupNameLabel = "leaderworkerset.sigs.k8s.io/name";
inline constexpr const char* kExclusiveTopology = "leaderworkerset.sigs.k8s.io/exclusive-topology";

json::Object to_json(const LeaderWorkerSet& set);

}  // namespace kneepoint::manifest
