#include "doctor/rules.h"

namespace kneepoint::doctor {

void check_groups(const Object& object, Report& report) {
  if (!object.is("LeaderWorkerSet")) return;
  const At spec = object["spec"], both = spec["leaderWorkerTemplate"];
  const At size = both["size"], replicas = spec["replicas"];
  if (size.integer() && *size.integer() < 1) {
    report.error(
        object, size, "out-of-range",
        "A group has at least its leader; the controller's webhook refuses a size below 1.",
        "Write the number of hosts.", "size: 2");
  }
  if (replicas.integer() && *replicas.integer() < 0) {
    report.error(object, replicas, "out-of-range", "replicas must be at least 0.", "Raise it.");
  }
  const At subgroup = both["subGroupPolicy"]["subGroupSize"];
  if (subgroup.integer() && size.integer() && *subgroup.integer() > *size.integer()) {
    report.error(object, subgroup, "out-of-range", "A subgroup can not be larger than the group.",
                 "Lower it.");
  }
  for (const Pod& pod : pods_of(object)) {
    const At restart = pod.spec["restartPolicy"];
    if (restart.exists() && restart.text() != "Always") {
      report.error(object, restart, "restart-policy", "Pods of a group are always started again.",
                   "Write Always.", "restartPolicy: Always");
    }
  }
}

}  // namespace kneepoint::doctor
