#pragma once

#include "autoscale/fleet.h"
#include "base/json.h"
#include "base/result.h"

namespace kneepoint::autoscale {

/// A scenario and what became of it, for comparison with the real controller's code:
///
///     {"hpa": {spec of an HPA}, "replicas": 1, "duration_s": 380, "startup_s": 30,
///      "total": [[0, 8], [65, 150]]}           total of the metric from that second on
///
/// InvalidArgument names the field.
Result<Scenario> scenario_of(const json::Object& scenario);

/// [[15010, 1], [75050, 4], ...]: the milliseconds of each sync and the replicas after it.
json::Array json_of(const std::vector<Step>& steps);

}  // namespace kneepoint::autoscale
