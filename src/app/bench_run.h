#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/bench_target.h"
#include "base/json.h"
#include "loadgen/point_runner.h"
#include "run/point.h"
#include "workload/spec.h"

namespace kneepoint::app {

inline constexpr std::string_view kBenchReportSchema = "kneepoint.bench-report.v1";

/// What was asked, for those who tell of it: a target, and the load points one after another.
struct BenchAsk {
  BenchTarget target;
  std::vector<workload::RunSpec> points;  // none of a sweep, which finds them
  loadgen::PointOptions options;          // of each
};

/// A socket for each request out: as many as the system allows without asking anybody.
void allow_descriptors();

/// What would be run and how long it takes, a line each; asks no server.
Result<std::vector<std::string>> bench_plan(const BenchAsk& ask);

/// docs/schema/bench-report.v1.json. Holds no secret. `tool`: its version.
json::Value bench_report(const BenchAsk& ask, std::span<const run::PointRecord> points,
                         std::string_view tool);

/// Whether the points can be used: an error says of the first that cannot why.
Result<void> judge(const BenchAsk& ask, std::span<const run::PointRecord> points);

/// "8 requests/s", "64 clients", as reports say it.
std::string load_text(const workload::RunSpec& spec);

}  // namespace kneepoint::app
