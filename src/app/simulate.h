#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/simulated_server.h"
#include "base/json.h"
#include "run/point.h"
#include "sim/fleet.h"
#include "workload/spec.h"

namespace kneepoint::app {

/// What is played, against whom.
struct SimulateAsk {
  profile::ServingSetup setup;
  std::vector<workload::RunSpec> points;  // one load each
  std::int64_t replicas = 1;
  sim::RouterKind router = sim::RouterKind::LeastRequests;
  std::vector<metrics::Bound> bounds;  // of goodput
  bool overhead = true;                // SimulatedServer::request_ms and token_ms are added
};

/// One load point as the load generator would have recorded it: the same window, warm-up cut and
/// definitions (gaps between tokens: SimulatedFold). Times are the simulation's; `started_at` is
/// the day given. Errors are those of sim::simulate_fleet().
Result<run::PointRecord> simulate_point(const SimulatedServer& server, const SimulateAsk& ask,
                                        std::size_t point, std::string_view day);

/// docs/schema/bench-report.v1.json with predicted evidence: `bench compare` lays a measured run
/// over it.
json::Value simulated_report(const SimulatedServer& server, const SimulateAsk& ask,
                             const std::vector<run::PointRecord>& points, std::string_view day,
                             std::string_view tool);

}  // namespace kneepoint::app
