#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

bool always_runs(const Object& object) {
  return object.is("Deployment") || object.is("StatefulSet") || object.is("DaemonSet") ||
         object.is("ReplicaSet");
}

bool is_zero(const At& at) { return at.text() == "0" || at.text() == "0%"; }

void check_selector(const Object& object, Report& report) {
  const At selector = object["spec"]["selector"];
  const At labels = object["spec"]["template"]["metadata"]["labels"];
  if (!selector.exists() || !object["spec"]["template"].exists()) return;  // told already
  if (selector.size() == 0 ||
      (selector["matchLabels"].size() == 0 && selector["matchExpressions"].size() == 0)) {
    report.error(object, selector, "empty-selector", "A selector without labels selects nothing.",
                 "Name the labels of the pod template.",
                 "selector: {matchLabels: {app: " + object.name + "}}");
  } else if (!selects(selector, labels)) {
    std::string wanted;
    for (const auto& [key, value] : selector["matchLabels"].entries()) {
      wanted += (wanted.empty() ? "" : ", ") + key + ": " + std::string(value.text());
    }
    report.error(object, labels.exists() ? labels : selector, "selector-mismatch",
                 "The selector does not match the labels of the pod template.",
                 "Give the template the labels that the selector names.",
                 "template: {metadata: {labels: {" + wanted + "}}}");
  }
}

void check_strategy(const Object& object, Report& report) {
  const At strategy = object["spec"]["strategy"], rolling = strategy["rollingUpdate"];
  if (strategy["type"].text() == "Recreate" && rolling.exists()) {
    report.error(object, rolling, "rolling-with-recreate",
                 "rollingUpdate has no meaning with the strategy Recreate.",
                 "Remove one of the two.", "strategy: {type: Recreate}");
  }
  const At surge = rolling["maxSurge"], unavailable = rolling["maxUnavailable"];
  if (surge.exists() && unavailable.exists() && is_zero(surge) && is_zero(unavailable)) {
    report.error(object, unavailable, "rollout-can-not-move",
                 "With maxSurge 0 and maxUnavailable 0 no pod could ever be replaced.",
                 "Allow one of the two; without spare accelerators maxUnavailable.",
                 "maxUnavailable: 1");
  }
  for (const At& each : {surge, unavailable}) {
    const auto number = each.integer();
    const bool percent = each.text().ends_with('%') &&
                         each.text().find_first_not_of("0123456789%") == std::string_view::npos;
    if (each.exists() && !number && !percent) {
      report.error(object, each, "wrong-form",
                   each.path() + " is a whole number or a percentage such as 25%.", "Write it so.");
    }
    if (number && *number < 0) {
      report.error(object, each, "out-of-range", each.path() + " must be at least 0.", "Raise it.");
    }
  }
  const At deadline = object["spec"]["progressDeadlineSeconds"];
  const auto ready = object["spec"]["minReadySeconds"].integer().value_or(0);
  if (deadline.integer() && *deadline.integer() <= ready) {
    report.error(object, deadline, "out-of-range",
                 "progressDeadlineSeconds must be greater than minReadySeconds.", "Raise it.");
  }
}

}  // namespace

void check_workload(const Object& object, Report& report) {
  if (!always_runs(object)) return;
  check_selector(object, report);
  if (object.is("Deployment")) check_strategy(object, report);
  const At restart = object["spec"]["template"]["spec"]["restartPolicy"];
  if (restart.exists() && restart.text() != "Always") {
    report.error(object, restart, "restart-policy",
                 "Pods of a " + object.kind + " are always started again.",
                 "Write Always, or make it a Job.", "restartPolicy: Always");
  }
  const At deadline = object["spec"]["template"]["spec"]["activeDeadlineSeconds"];
  if (deadline.exists()) {
    report.error(object, deadline, "misplaced", "activeDeadlineSeconds is for Jobs only.",
                 "Remove it.");
  }
}

}  // namespace kneepoint::doctor
