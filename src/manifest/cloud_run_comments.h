#pragma once

#include <string>
#include <vector>

#include "manifest/args.h"
#include "manifest/cloud_run.h"

namespace kneepoint::manifest {

/// What was checked and what not, why these numbers, where the model can lie and what that costs,
/// and the commands that prepare, deploy, reach and measure the service.
std::vector<std::string> cloud_run_comments(const Request& request, const Facts& facts,
                                            const Plan& plan, const CloudRunPlan& run,
                                            const StartCommand& start, const std::string& name);

}  // namespace kneepoint::manifest
