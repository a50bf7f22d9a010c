#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "base/json.h"
#include "cluster/apply.h"
#include "cluster/kubectl.h"
#include "cluster/watch.h"
#include "doctor/finding.h"

/// From manifests to pods that serve, and back. What is asked of the cluster and what is left
/// alone: docs/deploy.md.
namespace kneepoint::app {

/// Manifests as kubectl takes them: words for its command line, and text for its standard input.
struct ManifestSource {
  std::vector<std::string> words;
  std::string text;
};

/// Files, folders (a folder with a kustomization.yaml is built), or "-" with `standard_input`.
/// InvalidArgument, before any cluster is asked, where one of them is no YAML.
Result<ManifestSource> manifest_source(const std::vector<std::string>& paths,
                                       const std::function<Result<std::string>()>& standard_input);

struct DeployOptions {
  std::string name;  // of the set; empty: from the first object that makes pods
  bool skip_unknown_kinds = false;
};

struct PlannedDeploy {
  cluster::Place place;
  cluster::Plan plan;
  std::vector<cluster::Ref> workloads;  // what is waited for
  std::vector<std::string> left_out;    // kinds that the cluster does not know
  bool unchanged = false;               // neither an object nor the promise differs
};

/// Asks the cluster, changes nothing.
Result<PlannedDeploy> plan_deploy(const cluster::Kubectl& kubectl, const ManifestSource& source,
                                  const DeployOptions& options, json::Value promise);

/// One request to what was deployed.
struct Smoke {
  bool passed = false;
  std::string pod, model, path;
  int status = 0;
  double milliseconds = 0;
  std::string said;  // the start of the answer, or why there is none
};

/// A way to a pod, through `kubectl port-forward` on a free loopback port, while it lives.
struct Forward {
  cluster::Background process;
  int port = 0;  // of this machine
};
Result<Forward> forward_to(const cluster::Kubectl& kubectl, const std::string& namespace_name,
                           const std::string& pod, int port);

Smoke smoke_request(const cluster::Kubectl& kubectl, const std::string& namespace_name,
                    const std::string& pod, int port);
/// The port that a workload serves on, as its manifest says; 0: it does not say.
int serving_port(const json::Object& workload);

/// Where a request to what was deployed goes: a pod that is ready, of a group its leader.
struct ServingPod {
  std::string namespace_name, pod;
  int port = 0;
  json::Object workload;  // as it was applied
};

struct DeployReport {
  PlannedDeploy planned;
  enum class Outcome { Ready, Failed, Interrupted, NotWaited } outcome = Outcome::Ready;
  cluster::Waited waited;
  std::vector<doctor::Finding> findings;  // what doctor makes of a failure
  std::optional<Smoke> smoke;
};
json::Object to_json(const DeployReport& report);
/// Nothing when no pod is ready or none names a port.
std::optional<ServingPod> serving_pod(const DeployReport& report);
json::Object to_json(const PlannedDeploy& planned);
json::Object to_json(const cluster::Workload& workload);

struct CarryOut {
  bool wait = true;
  bool smoke = true;
  cluster::Patience patience;
  std::function<void(std::string_view)> tell;  // progress, a sentence at a time
};

/// Applies, waits, tries. A deployment that does not become ready is a report, not an error.
Result<DeployReport> carry_out(const cluster::Kubectl& kubectl, PlannedDeploy planned,
                               const CarryOut& how);

/// What doctor makes of the state, the events and the log of a pod that failed.
Result<std::vector<doctor::Finding>> diagnose_failure(Session& session,
                                                      const cluster::Failure& failure);

/// The set of that name; NotFound names those there are.
Result<cluster::Inventory> find_set(const cluster::Kubectl& kubectl,
                                    const std::string& namespace_name, const std::string& name);

}  // namespace kneepoint::app
