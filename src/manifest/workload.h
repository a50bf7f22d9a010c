#pragma once

#include <string>

#include "manifest/plan.h"

namespace kneepoint::manifest {

/// The object that runs the replicas: a Deployment, or a set of groups where a replica has several
/// hosts.
struct WorkloadName {
  std::string api_version, kind, name;
  std::string resource;     // as kubectl names it: "deployment/NAME"
  std::string pod_pattern;  // regular expression of the names of the pods that answer requests
};

/// `base` is that of base_name().
WorkloadName workload_name(const Plan& plan, const std::string& base);

}  // namespace kneepoint::manifest
