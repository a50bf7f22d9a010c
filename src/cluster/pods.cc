#include "cluster/pods.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.h"
#include "doctor/finding.h"

namespace kneepoint::cluster {
namespace {

constexpr int kCrashes = 2;  // so many ends with an error are no accident

bool is_image_trouble(const std::string& reason) {
  return reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "InvalidImageName" ||
         reason == "ErrImageNeverPull" || reason == "ImageInspectError" ||
         reason == "RegistryUnavailable";
}
bool is_setup_trouble(const std::string& reason) {
  return reason == "CreateContainerConfigError" || reason == "CreateContainerError" ||
         reason == "RunContainerError" || reason == "PreCreateHookError";
}

std::string printable(const std::string& text) { return doctor::evidence_of(text, 0, 0, 600); }

/// "exit code 137 (OOMKilled)" of what ended last.
std::string how_it_ended(const json::Object& status) {
  for (const char* place : {"/lastState/terminated", "/state/terminated"}) {
    const json::Value* ended = find(status, place);
    if (ended == nullptr) continue;
    std::string out = "exit code " + text_at(*ended, "/exitCode");
    const std::string reason = text_at(*ended, "/reason"), said = text_at(*ended, "/message");
    if (!reason.empty() && reason != "Error") out += " (" + reason + ")";
    if (!said.empty()) out += ": " + said;
    return out;
  }
  return {};
}

/// Sees whether a container keeps the pod from becoming ready.
bool trouble_of(const json::Object& status, PodView& into) {
  const std::string reason = text_at(status, "/state/waiting/reason");
  const std::string message = text_at(status, "/state/waiting/message");
  const auto restarts = static_cast<int>(integer_at(status, "/restartCount").value_or(0));
  const auto last_code = integer_at(status, "/lastState/terminated/exitCode");
  Trouble trouble = Trouble::None;
  if (is_image_trouble(reason)) trouble = Trouble::Image;
  if (is_setup_trouble(reason)) trouble = Trouble::Setup;
  const bool crashing =
      reason == "CrashLoopBackOff" ||
      (restarts >= kCrashes && last_code.value_or(0) != 0 && !is_true_at(status, "/ready"));
  if (crashing) trouble = Trouble::Crash;
  if (trouble == Trouble::None) return false;
  into.trouble = trouble;
  into.phase = PodPhase::Failing;
  into.container = text_at(status, "/name");
  into.reason = reason.empty() ? "Restarted" : reason;
  into.message = printable(message);
  if (const std::string ended = how_it_ended(status); trouble == Trouble::Crash && !ended.empty())
    into.message += (into.message.empty() ? "" : "; ") + printable("last time " + ended);
  return true;
}

const std::array<std::string_view, 2> kContainerLists{"/status/initContainerStatuses",
                                                      "/status/containerStatuses"};

std::string joined_labels(const json::Value* labels) {
  std::vector<std::string> out;
  if (labels == nullptr || !labels->is_object()) return {};
  for (const auto& [key, value] : labels->get_object()) {
    if (value.is_string()) out.push_back(std::string(key) + "=" + std::string(value.get_string()));
  }
  return join(out, ",");
}

int number(const json::Object& object, std::string_view pointer, int otherwise = 0) {
  return static_cast<int>(integer_at(object, pointer).value_or(otherwise));
}

}  // namespace

std::string_view name(PodPhase phase) {
  constexpr std::array<std::string_view, 8> kNames{
      "unscheduled", "starting", "preparing", "loading", "ready", "done", "failing", "leaving"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string_view in_words(PodPhase phase) {
  constexpr std::array<std::string_view, 8> kWords{"waiting for a node",
                                                   "pulling the image",
                                                   "preparing (init containers)",
                                                   "loading, not ready yet",
                                                   "ready",
                                                   "done",
                                                   "failing",
                                                   "being deleted"};
  return kWords[static_cast<std::size_t>(phase)];
}

std::string_view name(Trouble trouble) {
  constexpr std::array<std::string_view, 8> kNames{"none",  "never-fits", "image",      "setup",
                                                   "crash", "quota",      "job-failed", "timeout"};
  return kNames[static_cast<std::size_t>(trouble)];
}

PodView read_pod(const json::Object& pod) {
  PodView out;
  out.name = text_at(pod, "/metadata/name");
  out.node = text_at(pod, "/spec/nodeName");
  out.created = text_at(pod, "/metadata/creationTimestamp");
  const std::string phase = text_at(pod, "/status/phase");
  for (const std::string_view list : kContainerLists) {
    for (const json::Object* status : objects_at(pod, list)) {
      out.restarts = std::max(out.restarts, number(*status, "/restartCount"));
    }
  }
  if (find(pod, "/metadata/deletionTimestamp") != nullptr) {
    out.phase = PodPhase::Leaving;
    return out;
  }
  if (phase == "Succeeded") {
    out.phase = PodPhase::Done;
    return out;
  }
  if (phase == "Failed") {
    out.phase = PodPhase::Failing;
    out.trouble = Trouble::Crash;
    out.reason = text_at(pod, "/status/reason");
    out.message = printable(text_at(pod, "/status/message"));
    for (const json::Object* status : objects_at(pod, "/status/containerStatuses")) {
      if (integer_at(*status, "/state/terminated/exitCode").value_or(0) == 0) continue;
      out.container = text_at(*status, "/name");
      if (out.reason.empty()) out.reason = text_at(*status, "/state/terminated/reason");
      if (out.message.empty()) out.message = printable(how_it_ended(*status));
    }
    return out;
  }
  for (const std::string_view list : kContainerLists) {
    for (const json::Object* status : objects_at(pod, list)) {
      if (trouble_of(*status, out)) return out;
    }
  }
  if (condition(pod, "Ready").status == "True") {
    out.phase = PodPhase::Ready;
    return out;
  }
  if (out.node.empty()) {
    const Condition scheduled = condition(pod, "PodScheduled");
    out.phase = PodPhase::Unscheduled;
    out.reason = scheduled.reason;
    out.message = printable(scheduled.message);
    if (scheduled.status == "False" && scheduled.reason == "Unschedulable")
      out.trouble = Trouble::NeverFits;
    return out;
  }
  for (const json::Object* status : objects_at(pod, "/status/initContainerStatuses")) {
    const bool ended = integer_at(*status, "/state/terminated/exitCode") == 0;
    if (ended || is_true_at(*status, "/started")) continue;
    if (find(*status, "/state/running") == nullptr) continue;
    out.phase = PodPhase::Preparing;
    out.container = text_at(*status, "/name");
    return out;
  }
  const auto statuses = objects_at(pod, "/status/containerStatuses");
  const bool all_run = !statuses.empty() &&
                       std::all_of(statuses.begin(), statuses.end(), [](const json::Object* one) {
                         return find(*one, "/state/running") != nullptr;
                       });
  out.phase = all_run ? PodPhase::Loading : PodPhase::Starting;
  for (const json::Object* status : statuses) {
    if (is_true_at(*status, "/ready")) continue;
    out.container = text_at(*status, "/name");
    out.reason = text_at(*status, "/state/waiting/reason");
    break;
  }
  return out;
}

bool makes_pods(const Ref& ref) {
  static const std::set<std::string> kKinds{"Deployment",      "StatefulSet", "DaemonSet",
                                            "LeaderWorkerSet", "Job",         "Pod"};
  return kKinds.contains(ref.kind);
}

std::optional<Workload> read_workload(const json::Object& object) {
  Workload out;
  out.ref = ref_of(object);
  if (!makes_pods(out.ref)) return std::nullopt;
  const std::string& kind = out.ref.kind;
  const bool seen =
      number(object, "/status/observedGeneration", 0) >= number(object, "/metadata/generation", 0);
  out.selector = joined_labels(find(object, "/spec/selector/matchLabels"));
  out.wanted = number(object, "/spec/replicas", 1);
  out.updated = number(object, "/status/updatedReplicas");
  out.ready = number(object, "/status/readyReplicas");
  if (kind == "Deployment") {
    const bool only_new = number(object, "/status/replicas") == out.updated;
    out.done = seen && out.updated >= out.wanted && only_new &&
               number(object, "/status/availableReplicas") >= out.wanted;
    const Condition failed = condition(object, "ReplicaFailure");
    if (failed.status == "True" && out.ready < out.wanted) {
      out.trouble = Trouble::Quota;
      out.reason = failed.reason;
      out.message = printable(failed.message);
    }
  } else if (kind == "StatefulSet") {
    out.done = seen && out.updated >= out.wanted && out.ready >= out.wanted;
  } else if (kind == "DaemonSet") {
    out.wanted = number(object, "/status/desiredNumberScheduled");
    out.updated = number(object, "/status/updatedNumberScheduled");
    out.ready = number(object, "/status/numberReady");
    out.done = seen && out.ready >= out.wanted && out.updated >= out.wanted;
  } else if (kind == "LeaderWorkerSet") {
    out.selector = "leaderworkerset.sigs.k8s.io/name=" + out.ref.name;
    out.done = out.ready >= out.wanted && out.updated >= out.wanted &&
               condition(object, "Available").status == "True";
  } else if (kind == "Job") {
    out.selector = "batch.kubernetes.io/job-name=" + out.ref.name;
    out.wanted = number(object, "/spec/completions", 1);
    out.ready = out.updated = number(object, "/status/succeeded");
    out.done = condition(object, "Complete").status == "True";
    const Condition failed = condition(object, "Failed");
    out.finished = out.done || failed.status == "True";
    if (failed.status == "True") {
      out.trouble = Trouble::JobFailed;
      out.reason = failed.reason;
      out.message = printable(failed.message);
    }
  } else {  // a Pod
    out.wanted = out.updated = 1;
    out.selector.clear();
    out.pods.push_back(read_pod(object));
    out.ready = out.pods.front().phase == PodPhase::Ready ? 1 : 0;
    out.done = out.ready == 1 || out.pods.front().phase == PodPhase::Done;
  }
  return out;
}

const PodView* worst(const Workload& workload) {
  const auto rank = [](const PodView& pod) {
    switch (pod.phase) {
      case PodPhase::Failing:
        return 5;
      case PodPhase::Unscheduled:
        return pod.trouble != Trouble::None ? 4 : 3;
      case PodPhase::Starting:
        return 2;
      case PodPhase::Preparing:
      case PodPhase::Loading:
        return 1;
      default:
        return 0;
    }
  };
  const PodView* out = nullptr;
  for (const PodView& pod : workload.pods) {
    if (rank(pod) > (out == nullptr ? 0 : rank(*out))) out = &pod;
  }
  return out;
}

std::string in_words(const Workload& workload) {
  std::string out = fmt::format("{} of {} {}", workload.ready, workload.wanted,
                                workload.ref.kind == "Job" ? "done" : "ready");
  std::map<PodPhase, int> pods;
  for (const PodView& pod : workload.pods) {
    if (pod.phase != PodPhase::Ready && pod.phase != PodPhase::Done) ++pods[pod.phase];
  }
  for (const auto& [phase, count] : pods) out += fmt::format("; {} {}", count, in_words(phase));
  return out;
}

std::string event_line(const json::Object& event) {
  std::string out = text_at(event, "/type") + " " + text_at(event, "/reason") + " " +
                    lower(text_at(event, "/involvedObject/kind")) + "/" +
                    text_at(event, "/involvedObject/name") + ": ";
  for (const char c : text_at(event, "/message")) out += c == '\n' ? ' ' : c;
  return out;
}

}  // namespace kneepoint::cluster
