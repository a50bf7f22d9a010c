#pragma once

#include <string>
#include <vector>

#include "app/doctor.h"
#include "cluster/kubectl.h"

namespace kneepoint::app {

/// What a cluster says of a namespace: pods that are not ready and why, events of what is still
/// there, conditions of workloads and autoscalers, logs of pods that crash. All goes through the
/// same rules as text from a file; a pod that fails for a reason that no rule knows is told all the
/// same.
Result<DoctorAnswer> diagnose_namespace(Session& session, const cluster::Kubectl& kubectl,
                                        const std::string& namespace_name, doctor::Severity least);

}  // namespace kneepoint::app
