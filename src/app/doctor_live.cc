#include "app/doctor_live.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/status.h"
#include "cluster/pods.h"
#include "cluster/watch.h"

namespace kneepoint::app {
namespace {

using cluster::PodPhase;
using cluster::PodView;
using doctor::Severity;
using Texts = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMostLogs = 20;  // pods whose log is read
constexpr int kLogLines = 2000;

bool in_trouble(const PodView& pod) {
  return pod.phase == PodPhase::Failing || pod.trouble != cluster::Trouble::None;
}

/// Why a container that runs again ended before: the pod itself looks well.
std::string last_ends(const json::Object& pod) {
  std::string out;
  for (const json::Object* status : cluster::objects_at(pod, "/status/containerStatuses")) {
    const std::string reason = cluster::text_at(*status, "/lastState/terminated/reason");
    if (reason.empty() || reason == "Completed") continue;
    out += fmt::format("container {} ended before: {}, exit code {}\n",
                       cluster::text_at(*status, "/name"), reason,
                       cluster::text_at(*status, "/lastState/terminated/exitCode"));
  }
  return out;
}

std::string bad_conditions(const json::Object& object) {
  std::string out;
  for (const cluster::Condition& each : cluster::conditions(object)) {
    const bool bad_when_true = each.type == "ReplicaFailure" || each.type == "Failed";
    if (each.type == "ScalingLimited" || (each.status == "True") != bad_when_true) continue;
    out += fmt::format("{}={} {}: {}\n", each.type, each.status, each.reason, each.message);
  }
  return out;
}

class NamespaceDiagnosis {
 public:
  NamespaceDiagnosis(const cluster::Kubectl& kubectl, const std::string& space)
      : kubectl_(kubectl), space_(space) {}

  Result<void> gather() {
    const auto found =
        get("pods,deployments.apps,statefulsets.apps,jobs.batch,"
            "horizontalpodautoscalers.autoscaling,events");
    if (!found) return fail(found.error());
    std::set<std::string> here;
    for (const json::Object& each : *found) {
      const cluster::Ref ref = cluster::ref_of(each);
      if (ref.kind != "Event") here.insert(ref.kind + "/" + ref.name);
    }
    for (const json::Object& each : *found) {
      const cluster::Ref ref = cluster::ref_of(each);
      if (ref.kind == "Pod") {
        take_pod(each);
      } else if (ref.kind == "Event") {
        take_event(each, here);
      } else {
        texts.emplace_back("conditions of " + ref.shown(), bad_conditions(each));
        if (ref.kind == "HorizontalPodAutoscaler") take_scaler(each);
      }
    }
    texts.emplace_back("events", events_);
    return {};
  }

  Texts texts;
  std::vector<PodView> unwell;
  std::size_t pods = 0, events = 0;

 private:
  Result<std::vector<json::Object>> get(const std::string& kinds) const {
    return kubectl_.get({kinds, "--namespace=" + space_});
  }

  void take_pod(const json::Object& object) {
    ++pods;
    PodView pod = cluster::read_pod(object);
    texts.emplace_back("state of pod " + pod.name, last_ends(object));
    if (pod.phase == PodPhase::Ready || pod.phase == PodPhase::Done ||
        pod.phase == PodPhase::Leaving)
      return;
    texts.emplace_back("state of pod " + pod.name, pod.reason + ": " + pod.message + "\n");
    if ((pod.phase == PodPhase::Failing || pod.restarts > 0) && logs_ < kMostLogs) {
      ++logs_;
      texts.emplace_back("log of pod " + pod.name,
                         cluster::log_of(kubectl_, space_, pod.name, pod.container, kLogLines));
    }
    unwell.push_back(std::move(pod));
  }

  /// What an object that is gone went through is no problem any more.
  void take_event(const json::Object& event, const std::set<std::string>& here) {
    static const std::set<std::string> kLooked{"Pod", "Deployment", "StatefulSet", "Job",
                                               "HorizontalPodAutoscaler"};
    const std::string kind = cluster::text_at(event, "/involvedObject/kind");
    const std::string name = cluster::text_at(event, "/involvedObject/name");
    if (kLooked.contains(kind) && !here.contains(kind + "/" + name)) return;
    ++events;
    events_ += cluster::event_line(event) + "\n";
  }

  void take_scaler(const json::Object& object) {
    const ScalerStatus scaler = read_scaler(object);
    for (const ScalerStatus::Metric& metric : scaler.metrics) {
      if (metric.current.empty()) {
        texts.emplace_back("autoscaler " + scaler.ref.name,
                           metric.series + ": <unknown>/" + metric.target + "\n");
      }
    }
  }

  const cluster::Kubectl& kubectl_;
  const std::string& space_;
  std::string events_;
  std::size_t logs_ = 0;
};

}  // namespace

Result<DoctorAnswer> diagnose_namespace(Session& session, const cluster::Kubectl& kubectl,
                                        const std::string& namespace_name, Severity least) {
  NamespaceDiagnosis diagnosis(kubectl, namespace_name);
  if (auto done = diagnosis.gather(); !done) return fail(done.error());
  auto findings = diagnose_texts(session, diagnosis.texts);
  if (!findings) return fail(findings.error());
  DoctorAnswer out;
  out.findings = std::move(*findings);
  for (const PodView& pod : diagnosis.unwell) {
    const bool told =
        std::any_of(out.findings.begin(), out.findings.end(), [&](const doctor::Finding& each) {
          return each.severity == Severity::Error &&
                 (each.file.ends_with("pod " + pod.name) ||
                  each.evidence.find(pod.name) != std::string::npos);
        });
    if (told) continue;
    doctor::Finding one;
    one.severity = in_trouble(pod) ? Severity::Error : Severity::Info;
    one.id = "pod-not-ready";
    one.file = "pod " + pod.name;
    one.evidence = pod.reason.empty()
                       ? std::string(in_words(pod.phase))
                       : pod.reason + (pod.message.empty() ? "" : ": " + pod.message);
    one.cause = fmt::format("The pod is {}; no rule knows the reason.", in_words(pod.phase));
    one.fix = "Read what the cluster says of it" +
              std::string(pod.phase == PodPhase::Failing ? ", and its log." : ".");
    one.patch = kubectl.shown({"describe", "pod", pod.name, "--namespace=" + namespace_name});
    out.findings.push_back(std::move(one));
  }
  std::erase_if(out.findings, [&](const auto& each) { return each.severity < least; });
  doctor::sort_by_severity(out.findings);
  out.looked = fmt::format("{} pod{} and {} event{} of namespace {}", diagnosis.pods,
                           diagnosis.pods == 1 ? "" : "s", diagnosis.events,
                           diagnosis.events == 1 ? "" : "s", namespace_name);
  return out;
}

}  // namespace kneepoint::app
