#include <map>
#include <string>

#include "base/text.h"
#include "doctor/quantity.h"
#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

long long copies(const Object& object, const Pod& pod) {
  const long long replicas = object["spec"]["replicas"].integer().value_or(1);
  if (object.is("Job")) return object["spec"]["parallelism"].integer().value_or(1);
  if (!object.is("LeaderWorkerSet")) return replicas;
  const long long size = object["spec"]["leaderWorkerTemplate"]["size"].integer().value_or(1);
  const bool both = object["spec"]["leaderWorkerTemplate"]["leaderTemplate"].exists();
  if (pod.role == "leader") return replicas;
  return replicas * (both ? size - 1 : size);
}

/// What all pods of a namespace ask for at their first replicas: "requests.nvidia.com/gpu" -> 8.
std::map<std::string, double> asked_for(Objects all, const std::string& namespace_name) {
  std::map<std::string, double> out;
  for (const Object& object : all) {
    if (object.namespace_name != namespace_name) continue;
    for (const Pod& pod : pods_of(object)) {
      const auto times = static_cast<double>(copies(object, pod));
      for (const At& container : pod.spec["containers"].items()) {
        const At resources = container["resources"];
        for (const auto& [resource, amount] : resources["limits"].entries()) {
          const double value = parse_quantity(amount.text()).value_or(0) * times;
          out["limits." + resource] += value;
          // A request that is not given is the limit.
          if (!resources["requests"][resource].exists()) out["requests." + resource] += value;
        }
        for (const auto& [resource, amount] : resources["requests"].entries()) {
          out["requests." + resource] += parse_quantity(amount.text()).value_or(0) * times;
        }
      }
    }
  }
  return out;
}

}  // namespace

void check_quota(Objects all, Report& report) {
  for (const Object& quota : all) {
    if (!quota.is("ResourceQuota")) continue;
    const auto asked = asked_for(all, quota.namespace_name);
    for (const auto& [resource, most] : quota["spec"]["hard"].entries()) {
      const bool short_form = resource == "cpu" || resource == "memory";
      const auto it = asked.find(short_form ? "requests." + resource : resource);
      const auto allowed = parse_quantity(most.text());
      if (it == asked.end() || !allowed || it->second <= *allowed) continue;
      report.warning(quota, most, "over-quota",
                     "The pods of these files ask for " + shortest(it->second) + " of " + resource +
                         " in this namespace, and its quota is " + std::string(most.text()) +
                         ": some are not created.",
                     "Raise the quota or start fewer replicas.");
    }
  }
}

}  // namespace kneepoint::doctor
