#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cluster/fields.h"

/// What a pod's status means. Pure: from the object to a word and a sentence.
namespace kneepoint::cluster {

enum class PodPhase {
  Unscheduled,  // no node took it (yet)
  Starting,     // has a node; image and volumes are on their way
  Preparing,    // init containers run: weights are fetched, say
  Loading,      // the server runs and is not ready: it reads weights, compiles, warms up
  Ready,
  Done,     // of a Job: ended well
  Failing,  // will not become ready without a change: see `trouble`
  Leaving,  // being deleted
};
std::string_view name(PodPhase phase);      // "loading"
std::string_view in_words(PodPhase phase);  // "loading: the server runs and is not ready"

enum class Trouble {
  None,
  NeverFits,  // the scheduler found no node; final only when no node can be added
  Image,      // the image cannot be pulled
  Setup,      // the container cannot be made: a missing Secret, a wrong name
  Crash,      // the container ends again and again
  Quota,      // the pod may not be made at all
  JobFailed,
  Timeout,  // nothing is wrong that the cluster tells, it only takes too long
};
std::string_view name(Trouble trouble);

struct PodView {
  std::string name{}, node{}, container{};  // container: the one in trouble, or that is waited for
  PodPhase phase = PodPhase::Unscheduled;
  Trouble trouble = Trouble::None;
  std::string reason{},
      message{};  // the cluster's words: "ImagePullBackOff", "Back-off pulling ..."
  int restarts = 0;
  std::string created{};  // RFC 3339
};

PodView read_pod(const json::Object& pod);

/// What an object that makes pods is to have, and has. Understood are Deployment, StatefulSet,
/// DaemonSet, LeaderWorkerSet, Job and Pod; the rest have nothing to wait for.
struct Workload {
  Ref ref;
  int wanted = 0;   // replicas; groups of a LeaderWorkerSet, completions of a Job
  int updated = 0;  // made from what was applied last
  int ready = 0;
  bool done = false;      // all wanted are ready and of what was applied last
  bool finished = false;  // a Job that ended, well or not
  Trouble trouble = Trouble::None;
  std::string reason, message;
  std::string selector;  // of its pods, for kubectl --selector
  std::vector<PodView> pods;
};
bool makes_pods(const Ref& ref);
/// Without its pods.
std::optional<Workload> read_workload(const json::Object& object);

/// The worst pod of those not ready; null when there is none.
const PodView* worst(const Workload& workload);

/// "1 of 2 ready; 1 loading (pod chat-7b-x)"
std::string in_words(const Workload& workload);

/// An event as one line: "Warning FailedScheduling pod/chat-0: 0/3 nodes are available ...".
std::string event_line(const json::Object& event);

}  // namespace kneepoint::cluster
