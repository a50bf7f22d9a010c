#include <algorithm>

#include "doctor/names.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

void check_failure_policy(const Object& object, const At& spec, const At& pod, Report& report) {
  const At policy = spec["podFailurePolicy"];
  if (!policy.exists()) return;
  const At restart = pod["restartPolicy"];
  if (restart.text() == "OnFailure") {
    report.error(object, restart, "restart-policy",
                 "With a podFailurePolicy the pods must not be started again in place.",
                 "Write Never.", "restartPolicy: Never");
  }
  for (const At& rule : policy["rules"].items()) {
    const At codes = rule["onExitCodes"];
    if (rule["action"].text() == "FailIndex" && !spec["backoffLimitPerIndex"].exists()) {
      report.error(object, rule["action"], "fail-index-without-limit",
                   "FailIndex needs backoffLimitPerIndex.", "Set it.", "backoffLimitPerIndex: 1");
    }
    if (codes.exists() == rule["onPodConditions"].exists()) {
      report.error(object, rule, "one-source", "A rule has either onExitCodes or onPodConditions.",
                   "Keep one of the two.");
    }
    const At name = codes["containerName"];
    const auto containers = containers_of(pod);
    if (name.exists() && std::none_of(containers.begin(), containers.end(), [&](const At& each) {
          return each["name"].text() == name.text();
        })) {
      report.error(object, name, "no-such-container",
                   "The pod has no container called " + std::string(name.text()) + ".",
                   "Name one of its containers.",
                   containers.empty()
                       ? ""
                       : "containerName: " + std::string(containers.back()["name"].text()));
    }
    for (const At& value : codes["values"].items()) {
      if (codes["operator"].text() == "In" && value.text() == "0") {
        report.error(object, value, "exit-code-zero", "Exit code 0 is no failure.", "Remove it.");
      }
    }
  }
}

}  // namespace

void check_job(const Object& object, Report& report) {
  if (!object.is("Job") && !object.is("CronJob")) return;
  const At spec = object.is("Job") ? object["spec"] : object["spec"]["jobTemplate"]["spec"];
  if (!spec.exists()) return;
  const At pod = spec["template"]["spec"];
  const At restart = pod["restartPolicy"];
  if (pod.exists() && restart.text() != "Never" && restart.text() != "OnFailure") {
    report.error(object, restart, "restart-policy",
                 "A Job's pods end: restartPolicy must be Never or OnFailure.",
                 "Write one of them.", "restartPolicy: Never");
  }
  const bool indexed = spec["completionMode"].text() == "Indexed";
  const At completions = spec["completions"];
  if (indexed && !completions.exists()) {
    report.error(object, completions, "missing-field",
                 "An indexed Job must say how many completions it has.", "Set completions.",
                 "completions: 1");
  }
  for (const char* field : {"backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"}) {
    if (!indexed && spec[field].exists()) {
      report.error(object, spec[field], "needs-indexed",
                   std::string(field) + " is for indexed Jobs only.", "Make the Job indexed.",
                   "completionMode: Indexed");
    }
  }
  if (indexed && completions.integer().value_or(0) > 0) {
    const std::string last = object.name + "-" + std::to_string(*completions.integer() - 1);
    if (!wrong_with_dns_label(last).empty() && wrong_with_subdomain(object.name).empty()) {
      report.error(
          object, object["metadata"]["name"], "name-too-long-for-index",
          "Pods are called by the Job's name and their index, and " + std::to_string(last.size()) +
              " characters are more than 63, or it holds a dot.",
          "Shorten the name to " + std::to_string(63 - (last.size() - object.name.size())) +
              " characters without dots.");
    }
  }
  if (spec["selector"].exists() && !spec["manualSelector"].is_true()) {
    report.error(object, spec["selector"], "job-selector", "A Job makes its own selector.",
                 "Remove it.");
  }
  check_failure_policy(object, spec, pod, report);
}

}  // namespace kneepoint::doctor
