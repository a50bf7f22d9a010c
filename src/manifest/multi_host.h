#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/args.h"
#include "manifest/facts.h"
#include "manifest/group_objects.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// A replica on several hosts: a group of pods, each with the accelerators of its host, that serve
/// as one. How each server does that, by version: docs/manifests.md.
namespace kneepoint::manifest {

inline constexpr const char* kGroupVersion = "0.9.0";  // of LeaderWorkerSet that was tried
inline constexpr int kSglangRendezvousPort = 20000;

struct Group {
  GroupStart start = GroupStart::Native;
  StartCommand leader, worker;
  bool image_to_build = false;  // the project's image of this version has no Ray
  std::string image;            // of every pod
};

/// Unsatisfiable: a server, or a version of it, that no group is known for.
Result<Group> group(const Request& request, const Facts& facts, const Plan& plan,
                    const StartCommand& start);

/// The set of one pod template: its copies differ by command, label and probes, which only a leader
/// has. Unsatisfiable: a GPU network was asked for that is not described for these machines.
Result<LeaderWorkerSet> leader_worker_set(const Request& request, const Facts& facts,
                                          const Plan& plan, const Group& group,
                                          const ObjectMeta& meta, const PodTemplate& pod);

/// What selects leaders: they alone answer requests and have metrics.
StringMap leader_selector(const std::string& set_name);

/// How the hosts work together, what the cluster needs for it, and what to type.
std::vector<std::string> multi_host_comments(const Request& request, const Facts& facts,
                                             const Plan& plan, const Group& group,
                                             const LeaderWorkerSet& set);

}  // namespace kneepoint::manifest
