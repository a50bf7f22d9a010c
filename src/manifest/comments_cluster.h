#pragma once

#include <optional>
#include <string>
#include <vector>

#include "catalog/types.h"
#include "manifest/facts.h"
#include "manifest/plan.h"
#include "manifest/request.h"

namespace kneepoint::manifest {

/// The smallest machine sold with these accelerators that holds one pod; the machine asked for
/// where one was. Nothing: the catalog knows none.
std::optional<catalog::Machine> machine_for(const Facts& facts, const Plan& plan);

/// GKE: a cluster and nodes for `pods` pods at first and `most` at most, and the quota they need.
/// Autopilot and Standard, each as commands.
std::vector<std::string> cluster_comments(const Request& request, const Facts& facts,
                                          const Plan& plan, int pods, int most);

}  // namespace kneepoint::manifest
