#pragma once

#include <string>

#include "base/json.h"
#include "manifest/facts.h"
#include "manifest/request.h"

namespace kneepoint::manifest {

/// A Grafana dashboard of one set, for Grafana 10 or later: latencies by percentile with a line at
/// each target, queue, requests that run, KV cache, tokens/s, replicas. A panel that this version
/// of the server has no metric for is left out and named in the dashboard's description.
json::Object dashboard(const Request& request, const Facts& facts, const std::string& workload);

}  // namespace kneepoint::manifest
