#include "cluster/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>

namespace kneepoint::cluster {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kLogLines = 400;
constexpr int kMostMisses = 10;  // answers that did not come, one after another

/// Pods of the newest revision alone: of a Deployment the others are on their way out.
void keep_newest(const json::Object& object, std::vector<json::Object>& pods,
                 const std::vector<json::Object>& replica_sets) {
  const std::string revision = annotation(object, "deployment.kubernetes.io/revision");
  const std::string uid = text_at(object, "/metadata/uid");
  for (const json::Object& each : replica_sets) {
    const auto owners = objects_at(each, "/metadata/ownerReferences");
    const bool mine = std::any_of(owners.begin(), owners.end(), [&](const json::Object* owner) {
      return text_at(*owner, "/uid") == uid;
    });
    if (!mine || annotation(each, "deployment.kubernetes.io/revision") != revision) continue;
    const std::string hash = label(each, "pod-template-hash");
    std::erase_if(pods,
                  [&](const json::Object& pod) { return label(pod, "pod-template-hash") != hash; });
    return;
  }
}

Result<void> add_pods(const Kubectl& kubectl, const json::Object& object, Workload& workload) {
  if (workload.selector.empty()) return {};
  const std::string space = "--namespace=" + workload.ref.namespace_name;
  // Of a Deployment its replica sets come along: two answers in one.
  const bool deployment = workload.ref.kind == "Deployment";
  auto found = kubectl.get(
      {deployment ? "pods,replicasets.apps" : "pods", space, "--selector=" + workload.selector});
  if (!found) return fail(found.error());
  std::vector<json::Object> pods, sets;
  for (json::Object& each : *found) {
    (text_at(each, "/kind") == "Pod" ? pods : sets).push_back(std::move(each));
  }
  if (deployment) keep_newest(object, pods, sets);
  for (const json::Object& pod : pods) workload.pods.push_back(read_pod(pod));
  return {};
}

/// What a cluster autoscaler said of a pod.
enum class Autoscaler { Silent, Coming, Refuses };
Autoscaler autoscaler_on(const std::vector<json::Object>& events) {
  Autoscaler out = Autoscaler::Silent;
  for (const json::Object& each : events) {
    const std::string reason = text_at(each, "/reason");
    if (reason == "TriggeredScaleUp") out = Autoscaler::Coming;
    if (reason == "NotTriggerScaleUp" || reason == "FailedScaleUp") out = Autoscaler::Refuses;
  }
  return out;
}

class Waiting {
 public:
  Waiting(const Kubectl& kubectl, const Patience& patience,
          const std::function<void(std::string_view)>& tell)
      : kubectl_(kubectl), patience_(patience), tell_(tell) {}

  Result<Waited> run(const std::vector<Ref>& refs) {
    const auto began = Clock::now();
    for (int misses = 0;;) {
      out_.took = Clock::now() - began;
      if (interrupted()) {
        out_.interrupted = true;
        return std::move(out_);
      }
      auto now = look_at(kubectl_, refs);
      if (now) {
        misses = 0;
        out_.workloads = std::move(*now);
        say();
        if (ready()) return std::move(out_);
        if (find_failure()) return std::move(out_);
      } else if (++misses == kMostMisses || now.error().code == ErrorCode::NotFound) {
        if (interrupted()) continue;
        return fail(std::move(now).error());
      }
      if (out_.took >= patience_.whole) {
        give_up();
        return std::move(out_);
      }
      std::this_thread::sleep_for(patience_.between);
    }
  }

 private:
  bool interrupted() const {
    return kubectl_.access().interrupted && kubectl_.access().interrupted();
  }

  bool ready() const {
    return std::all_of(out_.workloads.begin(), out_.workloads.end(),
                       [](const Workload& each) { return each.done; });
  }

  void say() {
    for (const Workload& each : out_.workloads) {
      std::string now = each.ref.shown() + ": " + in_words(each);
      const PodView* pod = worst(each);
      if (pod != nullptr && !pod->message.empty()) now += " (" + pod->message + ")";
      if (said_[each.ref.shown()] == now) continue;
      said_[each.ref.shown()] = now;
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(out_.took).count();
      if (tell_) tell_(fmt::format("{:>4} s  {}", seconds, now));
    }
  }

  bool find_failure() {
    for (const Workload& each : out_.workloads) {
      if (each.trouble != Trouble::None) {
        out_.failure = Failure{each.trouble, each.ref, "", "", each.reason, each.message, {}, ""};
        if (const PodView* pod = worst(each)) explain(each, *pod);
        return true;
      }
      if (each.done) continue;
      for (const PodView& pod : each.pods) {
        // Of a Job a pod may fail and be replaced: the Job has the word.
        if (pod.phase == PodPhase::Failing && each.ref.kind != "Job") {
          fail_with(pod.trouble, each, pod);
          return true;
        }
        if (pod.trouble == Trouble::NeverFits && hopeless(each, pod)) {
          fail_with(pod.trouble, each, pod);
          return true;
        }
      }
    }
    return false;
  }

  bool hopeless(const Workload& workload, const PodView& pod) {
    const auto [since, first] = unscheduled_.try_emplace(pod.name, out_.took);
    const Nanos waited = out_.took - since->second;
    const auto events = events_of(kubectl_, workload.ref.namespace_name, pod.name);
    const Autoscaler says = events ? autoscaler_on(*events) : Autoscaler::Silent;
    if (says == Autoscaler::Coming) return false;
    return says == Autoscaler::Refuses || waited >= patience_.unscheduled;
  }

  void fail_with(Trouble trouble, const Workload& workload, const PodView& pod) {
    out_.failure =
        Failure{trouble, workload.ref, pod.name, pod.container, pod.reason, pod.message, {}, ""};
    explain(workload, pod);
  }

  void explain(const Workload& workload, const PodView& pod) {
    Failure& failure = *out_.failure;
    failure.pod = pod.name;
    failure.container = pod.container;
    if (const auto events = events_of(kubectl_, workload.ref.namespace_name, pod.name)) {
      for (const json::Object& each : *events) failure.events.push_back(event_line(each));
    }
    if (pod.phase == PodPhase::Failing || pod.phase == PodPhase::Loading ||
        pod.phase == PodPhase::Preparing) {
      failure.log =
          log_of(kubectl_, workload.ref.namespace_name, pod.name, pod.container, kLogLines);
    }
  }

  void give_up() {
    for (const Workload& each : out_.workloads) {
      if (each.done) continue;
      const PodView* pod = worst(each);
      const std::string state = in_words(each);
      out_.failure = Failure{Trouble::Timeout, each.ref, "", "", "Timeout", state, {}, ""};
      if (pod != nullptr) {
        if (!pod->message.empty()) out_.failure->message += ": " + pod->message;
        explain(each, *pod);
      }
      return;
    }
    out_.failure =
        Failure{Trouble::Timeout, {}, "", "", "Timeout", "the cluster did not say", {}, ""};
  }

  const Kubectl& kubectl_;
  const Patience& patience_;
  const std::function<void(std::string_view)>& tell_;
  Waited out_;
  std::map<std::string, std::string> said_;
  std::map<std::string, Nanos> unscheduled_;  // since when, by pod
};

}  // namespace

Result<std::vector<Workload>> look_at(const Kubectl& kubectl, const std::vector<Ref>& refs) {
  std::vector<Workload> out;
  if (refs.empty()) return out;
  std::vector<json::Object> wanted;
  for (const Ref& ref : refs) wanted.push_back(ref_json(ref));
  const auto found = kubectl.get({"--filename=-"}, list_text(wanted));
  if (!found) return fail(found.error());
  for (const json::Object& object : *found) {
    auto workload = read_workload(object);
    if (!workload) continue;
    if (auto done = add_pods(kubectl, object, *workload); !done) return fail(done.error());
    out.push_back(std::move(*workload));
  }
  return out;
}

Result<Waited> wait_until_ready(const Kubectl& kubectl, const std::vector<Ref>& refs,
                                const Patience& patience,
                                const std::function<void(std::string_view)>& tell) {
  return Waiting(kubectl, patience, tell).run(refs);
}

std::string log_of(const Kubectl& kubectl, const std::string& namespace_name,
                   const std::string& pod, const std::string& container, int lines) {
  std::vector<std::string> words{"logs", "pod/" + pod, "--namespace=" + namespace_name,
                                 fmt::format("--tail={}", lines), "--limit-bytes=4000000"};
  if (!container.empty()) words.push_back("--container=" + container);
  for (const bool previous : {true, false}) {
    std::vector<std::string> asked = words;
    if (previous) asked.emplace_back("--previous");
    const auto said = kubectl.try_run(std::move(asked), {}, std::chrono::seconds(20));
    if (said && said->status == 0 && !said->out.empty()) return said->out;
  }
  return {};
}

Result<std::vector<json::Object>> events_of(const Kubectl& kubectl,
                                            const std::string& namespace_name,
                                            const std::string& name) {
  return kubectl.get({"events", "--namespace=" + namespace_name,
                      "--sort-by=.metadata.creationTimestamp",
                      "--field-selector=involvedObject.name=" + name});
}

}  // namespace kneepoint::cluster
