#include <set>
#include <tuple>

#include "doctor/rules.h"

namespace kneepoint::doctor {
namespace {

bool same_namespace(const Object& a, const Object& b) {
  return a.namespace_name == b.namespace_name;
}

void check_service_targets(Objects all, const Object& service, Report& report) {
  const At selector = service["spec"]["selector"];
  if (selector.size() == 0) return;
  bool any = false, picked = false;
  for (const Object& object : all) {
    if (!same_namespace(object, service)) continue;
    for (const Pod& pod : pods_of(object)) {
      any = true;
      if (!selects(selector, object, pod)) continue;
      picked = true;
      std::set<std::string, std::less<>> ports;
      for (const At& container : containers_of(pod.spec)) {
        for (const At& port : container["ports"].items())
          ports.insert(std::string(port["name"].text()));
      }
      for (const At& port : service["spec"]["ports"].items()) {
        const At target = port["targetPort"];
        if (!target.exists() || target.integer() || ports.contains(target.text())) continue;
        report.warning(service, target, "no-such-port",
                       object.shown() + " has no port called " + std::string(target.text()) +
                           ": the Service leads nowhere.",
                       "Name one of the container's ports.");
      }
    }
  }
  if (any && !picked) {
    report.warning(service, selector, "selects-nothing",
                   "No pod of these files has the labels that this selects.",
                   "Take the labels of the pod template.");
  }
}

void check_claims(Objects all, const Object& object, Report& report) {
  const At replicas = object["spec"]["replicas"];
  if (!object.is("Deployment") && !object.is("LeaderWorkerSet")) return;
  for (const Pod& pod : pods_of(object)) {
    for (const At& volume : pod.spec["volumes"].items()) {
      const At name = volume["persistentVolumeClaim"]["claimName"];
      if (!name.exists()) continue;
      for (const Object& claim : all) {
        if (!claim.is("PersistentVolumeClaim") || claim.name != name.text()) continue;
        bool shared = false, once = false;
        for (const At& mode : claim["spec"]["accessModes"].items()) {
          shared |= mode.text() == "ReadOnlyMany" || mode.text() == "ReadWriteMany";
          once |= mode.text().starts_with("ReadWriteOnce");
        }
        if (once && !shared && replicas.integer().value_or(1) > 1) {
          report.warning(object, name, "volume-for-one-node",
                         "The claim " + claim.name +
                             " can be used on one node only, and there are " +
                             std::string(replicas.text()) + " replicas.",
                         "Use a disk that many may read (Hyperdisk ML, ReadOnlyMany) or a bucket.",
                         "accessModes: [ReadOnlyMany]");
        }
      }
    }
  }
}

void check_accounts(Objects all, const Object& object, Report& report) {
  bool accounts = false;
  for (const Object& each : all) accounts |= each.is("ServiceAccount");
  if (!accounts) return;
  for (const Pod& pod : pods_of(object)) {
    const At name = pod.spec["serviceAccountName"];
    bool known = !name.exists() || name.text() == "default";
    for (const Object& each : all) known |= each.is("ServiceAccount") && each.name == name.text();
    if (known) continue;
    report.warning(object, name, "no-such-service-account",
                   "None of these files has the ServiceAccount " + std::string(name.text()) + ".",
                   "Correct the name, or create it first.");
  }
}

}  // namespace

void check_references(Objects all, Report& report) {
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const Object& object : all) {
    const std::string group = object.api_version.substr(0, object.api_version.rfind('/'));
    if (!object.name.empty() &&
        !seen.insert({group + "/" + object.kind, object.namespace_name, object.name}).second) {
      report.warning(
          object, object["metadata"]["name"], "object-twice",
          "These files have two objects " + object.shown() + "; the later one replaces the other.",
          "Rename one, or remove it.");
    }
    if (object.is("Service") && object.api_version == "v1")
      check_service_targets(all, object, report);
    check_claims(all, object, report);
    check_accounts(all, object, report);
  }
}

}  // namespace kneepoint::doctor
