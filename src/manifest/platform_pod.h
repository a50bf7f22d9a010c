#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// What differs between clusters of Google, Amazon, Microsoft and one's own.
namespace kneepoint::manifest {

/// InvalidArgument: an autoscaler or an accelerator that the platform has not.
Result<void> check_platform(const Request& request, const Facts& facts);

/// GPU feature discovery's name of the product; empty: not known.
std::string gpu_product(const std::string& accelerator);

/// Replaces GKE's selectors by those of the platform, and tolerates the taint its GPU nodes have.
void fit_to_platform(const Request& request, const Facts& facts, PodTemplate& pod);

/// Commands that make a cluster with these nodes, show the quota, and reach the service. How GKE
/// makes one: comments_cluster.h.
std::vector<std::string> platform_comments(const Request& request, const Facts& facts,
                                           const Plan& plan, const std::string& base);

}  // namespace kneepoint::manifest
