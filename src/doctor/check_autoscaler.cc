#include <algorithm>
#include <array>

#include "doctor/names.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

struct Source {
  std::string_view type, field;
};
constexpr std::array<Source, 5> kSources{{{"Pods", "pods"},
                                          {"External", "external"},
                                          {"Object", "object"},
                                          {"Resource", "resource"},
                                          {"ContainerResource", "containerResource"}}};

void check_behavior(const Object& object, const At& behavior, Report& report) {
  for (const char* direction : {"scaleUp", "scaleDown"}) {
    const At rules = behavior[direction], policies = rules["policies"];
    if (policies.is_list() && policies.size() == 0) {
      report.error(object, policies, "too-few-items", "A list of policies must have at least one.",
                   "Add one, or remove the list to have the defaults.");
    }
    for (const At& policy : policies.items()) {
      for (const char* field : {"value", "periodSeconds"}) {
        const At at = policy[field];
        if (at.integer() && *at.integer() <= 0) {
          report.error(object, at, "out-of-range",
                       std::string(field) + " must be greater than zero.", "Raise it.",
                       std::string(field) + ": " + (field[0] == 'v' ? "1" : "60"));
        }
      }
    }
  }
  if (behavior.exists() && !behavior["scaleUp"].exists()) {
    report.info(object, behavior, "behavior-without-scale-up",
                "With behavior given, scaling up is 4 pods or 100 % every 15 s unless said "
                "otherwise; pods that load for minutes overshoot.",
                "Say how fast to scale up.",
                "scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 120}]}");
  }
}

void check_target(const Object& object, const At& metric, const At& source, Report& report) {
  const At target = source["target"];
  if (!target.exists()) return;
  const std::string_view type = target["type"].text();
  const auto need = [&](std::string_view field, const std::string& patch) {
    report.error(object, target[field], "metric-target",
                 "A metric of type " + std::string(metric["type"].text()) +
                     " needs a positive target " + std::string(field) + ".",
                 "Set it.", patch);
  };
  const auto positive = [&](std::string_view field) {
    const auto value = parse_quantity(target[field].text());
    return value && *value > 0;
  };
  if (metric["type"].text() == "Pods") {
    if (!positive("averageValue"))
      need("averageValue", "target: {type: AverageValue, averageValue: \"10\"}");
  } else if (metric["type"].text() == "External" || metric["type"].text() == "Object") {
    if (target["value"].exists() && target["averageValue"].exists()) {
      report.error(object, target, "metric-target", "A target has either value or averageValue.",
                   "Keep one.");
    } else if (!positive("value") && !positive("averageValue")) {
      need("averageValue", "target: {type: AverageValue, averageValue: \"10\"}");
    }
  } else if (!positive("averageUtilization") && !positive("averageValue")) {
    need("averageUtilization", "target: {type: Utilization, averageUtilization: 60}");
  }
  if (type == "AverageValue" && !target["averageValue"].exists() &&
      target["averageUtilization"].exists()) {
    need("averageValue", "averageValue: \"10\"");
  }
}

void check_metric(const Object& object, const At& metric, Report& report) {
  const std::string_view type = metric["type"].text();
  for (const Source& each : kSources) {
    const At source = metric[each.field];
    if (type == each.type && !source.exists()) {
      report.error(object, source, "metric-source",
                   "A metric of type " + std::string(type) + " says what in " +
                       std::string(each.field) + ".",
                   "Add it, or correct the type.");
    } else if (type != each.type && source.exists()) {
      report.error(object, source, "metric-source",
                   std::string(each.field) + " does not belong to a metric of type " +
                       std::string(type) + ".",
                   "Correct the type.", "type: " + std::string(each.type));
    }
    if (type != each.type || !source.exists()) continue;
    check_target(object, metric, source, report);
    const At name = source["metric"]["name"];
    if (name.text().find('/') != std::string_view::npos) {
      std::string piped(name.text());
      std::replace(piped.begin(), piped.end(), '/', '|');
      report.error(
          object, name, "metric-name-slash",
          "A metric's name may not contain '/'. The adapter of Cloud Monitoring takes '|' instead.",
          "Replace the slashes.", "name: " + piped);
    }
    for (const auto& [key, value] : source["metric"]["selector"]["matchLabels"].entries()) {
      if (const std::string wrong = wrong_with_label_value(value.text()); !wrong.empty()) {
        report.error(object, value, "metric-label-value",
                     "A value in a metric's selector must be a label's value; the API server takes "
                     "this one and "
                     "the autoscaler can not read it.",
                     "Select by another label.");
      }
    }
  }
}

void check_hpa(const Object& object, Report& report) {
  const At spec = object["spec"];
  if (!spec.exists()) return;
  const At lowest = spec["minReplicas"], highest = spec["maxReplicas"];
  const auto metrics = spec["metrics"].items();
  if (highest.integer() && *highest.integer() < 1) {
    report.error(object, highest, "out-of-range", "maxReplicas must be greater than 0.",
                 "Raise it.");
  }
  if (highest.integer() && lowest.integer().value_or(1) > *highest.integer()) {
    report.error(object, highest, "min-over-max",
                 "maxReplicas must be greater than or equal to minReplicas.", "Raise maxReplicas.",
                 "maxReplicas: " + std::string(lowest.text()));
  }
  if (lowest.integer() && *lowest.integer() < 1) {
    report.error(
        object, lowest, "out-of-range",
        "minReplicas must be at least 1: an autoscaler of this kind does not scale to zero.",
        "Write 1, or use KEDA to scale to zero.", "minReplicas: 1");
  }
  const At target = spec["scaleTargetRef"];
  if (target.exists() && target["kind"].text() != "Pod" && target["apiVersion"].text().empty()) {
    report.error(object, target["apiVersion"], "missing-field",
                 "scaleTargetRef must say the API group.", "Add it.", "apiVersion: apps/v1");
  }
  if (metrics.empty() && object.api_version == "autoscaling/v2") {
    report.warning(
        object, spec, "no-metrics",
        "Without metrics the server puts in CPU at 80 %, which says nothing about a model server.",
        "Scale by running or waiting requests.");
  }
  for (const At& metric : metrics) check_metric(object, metric, report);
  check_behavior(object, spec["behavior"], report);
}

void check_keda(const Object& object, Report& report) {
  const At spec = object["spec"];
  const At lowest = spec["minReplicaCount"], highest = spec["maxReplicaCount"],
           idle = spec["idleReplicaCount"];
  const auto low = lowest.integer().value_or(0), high = highest.integer().value_or(100);
  if (low > high) {
    report.error(object, highest.exists() ? highest : lowest, "min-over-max",
                 "maxReplicaCount must be greater than or equal to minReplicaCount.",
                 "Raise maxReplicaCount.", "maxReplicaCount: " + std::to_string(low));
  }
  if (idle.integer() && *idle.integer() >= low) {
    report.error(object, idle, "idle-over-min",
                 "idleReplicaCount must be less than minReplicaCount.",
                 "Write 0, and a minReplicaCount of at least 1.", "idleReplicaCount: 0");
  }
  if (spec["triggers"].is_list() && spec["triggers"].size() == 0) {
    report.error(object, spec["triggers"], "too-few-items", "A ScaledObject needs a trigger.",
                 "Add one.", "triggers: [{type: prometheus, metadata: {...}}]");
  }
  for (const At& trigger : spec["triggers"].items()) {
    if (trigger["type"].text() != "prometheus") continue;
    for (const char* field : {"serverAddress", "query", "threshold"}) {
      if (trigger["metadata"].exists() && trigger["metadata"][field].text().empty()) {
        report.error(object, trigger["metadata"][field], "missing-field",
                     std::string("A prometheus trigger needs ") + field + ".", "Add it.");
      }
    }
    const At threshold = trigger["metadata"]["threshold"];
    if (!threshold.text().empty() && !parse_quantity(threshold.text())) {
      report.error(object, threshold, "wrong-form", "A threshold is a number in quotes.",
                   "Correct it.", "threshold: \"5\"");
    }
  }
  check_behavior(object, spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"], report);
}

}  // namespace

void check_autoscaler(const Object& object, Report& report) {
  if (object.is("HorizontalPodAutoscaler")) check_hpa(object, report);
  if (object.is("ScaledObject")) check_keda(object, report);
}

}  // namespace kneepoint::doctor
