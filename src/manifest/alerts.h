#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/request.h"
#include "manifest/scaling.h"

namespace kneepoint::manifest {

struct Alert {
  std::string name, expression, lasts, severity, summary;
};

/// Alerts on the targets the set was made for, and on what goes wrong with servers: a queue that
/// stays, a full cache, preemptions, no replica, nothing that finishes, as many replicas as are
/// allowed. Only those the server's version has metrics for.
std::vector<Alert> alerts(const Request& request, const Facts& facts, const std::string& workload,
                          const std::optional<ScalePlan>& scales);

/// PrometheusRule of the Prometheus operator, or Rules of Google's managed Prometheus.
struct AlertRules {
  ObjectMeta meta;
  bool managed = false;
  std::vector<Alert> alerts;
};
json::Object to_json(const AlertRules& rules);

}  // namespace kneepoint::manifest
