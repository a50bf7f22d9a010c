#pragma once

#include <string>
#include <vector>

#include "manifest/facts.h"
#include "manifest/request.h"
#include "manifest/scaling.h"
#include "manifest/workload.h"

namespace kneepoint::manifest {

/// Under which name the path of `by` gives the metric to the autoscaler.
std::string metric_name(Autoscaler by, const ScalePlan& plan);

/// What KEDA asks Prometheus: the metric over all replicas.
std::string total_query(const ScalePlan& plan, const std::string& namespace_name,
                        const WorkloadName& workload);

/// What the autoscaler does and why, and the commands it needs; beside comments().
std::vector<std::string> scaling_comments(const Request& request, const Facts& facts,
                                          const Scaling& scaling, const std::string& base,
                                          const WorkloadName& workload);

}  // namespace kneepoint::manifest
