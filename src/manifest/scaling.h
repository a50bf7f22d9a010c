#pragma once

#include <optional>
#include <string>
#include <vector>

#include "autoscale/load_step.h"
#include "base/result.h"
#include "manifest/facts.h"
#include "manifest/objects.h"
#include "manifest/plan.h"
#include "manifest/request.h"

/// Every number of an autoscaler, worked out before any object is made. The rules and where they
/// come from: docs/autoscaling.md.
namespace kneepoint::manifest {

inline constexpr int kNodeAndImageSeconds = 240;  // assumed: a node comes up and pulls the image
inline constexpr int kScrapeSeconds = 15;
inline constexpr int kCloudMonitoringSeconds = 60;  // assumed: stored and given out by the adapter
inline constexpr int kQueueTarget = 5;              // waiting requests per replica
inline constexpr double kMostKvUse = 0.8;           // a fuller cache throws requests out
inline constexpr const char* kOperatorPrometheus = "http://prometheus-operated.monitoring.svc:9090";

struct ScalePlan {
  autoscale::Signal signal = autoscale::Signal::Queue;
  std::string series;  // as this version of the server names it
  StringMap labels;    // which of the rows with that name
  std::int64_t target_milli = 0;
  std::string why;     // this signal
  std::string whence;  // this target
  int min_replicas = 1, max_replicas = 1, replicas = 1;
  autoscale::Time startup{}, metric_delay{};
  autoscale::Behavior behavior;
  std::string prometheus_url;                     // of the paths that ask a Prometheus
  bool managed_prometheus = false;                // that is Google's, asked over its API
  std::optional<autoscale::StepAnswer> doubling;  // of the load; nothing: no curve
};

struct Scaling {
  std::optional<ScalePlan> plan;
  std::string why_none;  // of no plan; empty: none was asked for
};

/// InvalidArgument: replicas or an address that cannot be. Unsatisfiable: a signal was asked for
/// that this version of the server, or what is known of it, does not give.
Result<Scaling> scaling(const Request& request, const Facts& facts, const Plan& plan);

}  // namespace kneepoint::manifest
