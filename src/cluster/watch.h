#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/kubectl.h"
#include "cluster/pods.h"

namespace kneepoint::cluster {

/// Objects that make pods as they are now, with the pods of their newest revision.
Result<std::vector<Workload>> look_at(const Kubectl& kubectl, const std::vector<Ref>& refs);

struct Failure {
  Trouble trouble = Trouble::None;
  Ref workload;
  std::string pod, container, reason, message;
  std::vector<std::string> events;  // of the pod, oldest first, one line each
  std::string log;                  // the last lines of the container; empty: none to be had
};

struct Patience {
  Nanos whole = std::chrono::minutes(30);
  /// A pod that no node takes may be waiting for one that is being made. Without word from a
  /// cluster autoscaler this long is waited for one; when it says no, not at all.
  Nanos unscheduled = std::chrono::minutes(2);
  Nanos between = std::chrono::seconds(1);  // looks
};

struct Waited {
  std::vector<Workload> workloads;
  std::optional<Failure> failure;
  bool interrupted = false;
  Nanos took{0};
};

/// Until all are ready, one cannot become ready, or patience ends. `tell` hears each change of
/// state in a sentence. A cluster that is away for a moment is asked again.
Result<Waited> wait_until_ready(const Kubectl& kubectl, const std::vector<Ref>& refs,
                                const Patience& patience,
                                const std::function<void(std::string_view)>& tell);

/// Lines of a container's log: of its last end when it crashed, else of now. Empty when there is
/// none.
std::string log_of(const Kubectl& kubectl, const std::string& namespace_name,
                   const std::string& pod, const std::string& container, int lines);

/// Of one object, oldest first.
Result<std::vector<json::Object>> events_of(const Kubectl& kubectl,
                                            const std::string& namespace_name,
                                            const std::string& name);

}  // namespace kneepoint::cluster
