#include "manifest/workload.h"

#include "base/text.h"

namespace kneepoint::manifest {

WorkloadName workload_name(const Plan& plan, const std::string& base) {
  if (plan.hosts == 1) {
    const std::string name = base + "-deployment";
    return {"apps/v1", "Deployment", name, "deployment/" + name, name + "-.+"};
  }
  // The controller makes a StatefulSet NAME-GROUP of each group, and the label of its revision adds
  // eleven characters to that.
  const std::string name = dns_label(base, 40) + "-hosts";
  return {"leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", name, "leaderworkerset/" + name,
          name + "-[0-9]+"};
}

}  // namespace kneepoint::manifest
