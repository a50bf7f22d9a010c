#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/mirrored_run.h"
#include "cluster/apply.h"
#include "cluster/kubectl.h"
#include "manifest/load_job.h"
#include "run/point.h"

/// The load generator as a Job beside the server: docs/deploy.md, "Measured from inside".
namespace kneepoint::app {

/// What a cluster keeps of a sweep of that name: the run as it was when its Job was last started,
/// header first. Nothing when there is none.
Result<std::optional<std::vector<run::Record>>> find_cluster_run(const cluster::Kubectl& kubectl,
                                                                 const std::string& namespace_name,
                                                                 const std::string& name);

/// The objects, with the run as it is.
Result<std::vector<manifest::Object>> sweep_objects(manifest::LoadJob job,
                                                    const std::vector<run::Record>& records);
/// What applying them would do, as the server itself says. Changes nothing.
Result<cluster::Plan> plan_sweep(const cluster::Kubectl& kubectl, const manifest::LoadJob& job,
                                 const std::vector<manifest::Object>& objects);

struct ClusterWatch {
  std::function<void(std::string_view)> tell;      // a sentence
  std::function<void(std::string_view)> progress;  // of the running load point, for people
  std::function<void(const run::PointRecord&)> done;
};

struct ClusterPatience {
  Nanos unscheduled = std::chrono::minutes(2);  // without a node and without hope of one
  Nanos silence = std::chrono::seconds(30);     // of a log, before the pod is looked at again
  Nanos between = std::chrono::seconds(1);      // looks
};

/// Starts the Job, or goes on with the one that runs, and brings each record into `mirror` until
/// the run has ended. Nothing: it was interrupted, and goes on over there. Errors: Conflict, a Job
/// of the name is somebody else's; Unsatisfiable, no node takes the pod; Unavailable, the Job
/// failed or the cluster is away. After any of them the same call goes on.
Result<std::optional<CampaignResult>> sweep_in_cluster(const cluster::Kubectl& kubectl,
                                                       const manifest::LoadJob& job,
                                                       run::Directory& mirror,
                                                       const ClusterPatience& patience,
                                                       const ClusterWatch& watch);

/// Takes away what the sweep made: Job, claim and ConfigMap; never a claim that was there before.
Result<std::vector<std::string>> remove_sweep(const cluster::Kubectl& kubectl,
                                              const std::string& namespace_name,
                                              const std::string& name);

}  // namespace kneepoint::app
