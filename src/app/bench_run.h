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

/// What `bench run` is asked: a target, and the load points one after another.
struct BenchAsk {
  BenchTarget target;
  std::vector<workload::RunSpec> points;  // at least one
  loadgen::PointOptions options;          // of each
};

/// Told while it goes, on the thread that runs.
struct BenchWatch {
  std::function<void(std::size_t point, const loadgen::Progress&)> progress;
  std::function<void(const run::PointRecord&)> done;
  std::function<bool()> interrupted;
};

/// Runs the points. Ends early when the server is gone or somebody interrupts; what was measured
/// comes back. An error: the ask cannot be carried out.
Result<std::vector<run::PointRecord>> bench_run(const BenchAsk& ask, const BenchWatch& watch);

/// What would be run and how long it takes, a line each; asks no server.
Result<std::vector<std::string>> bench_plan(const BenchAsk& ask);

/// docs/schema/bench-report.v1.json. Holds no secret. `tool`: its version.
json::Value bench_report(const BenchAsk& ask, std::span<const run::PointRecord> points,
                         std::string_view tool);

/// Whether the points can be used: an error says of the first that cannot why.
Result<void> judge(const BenchAsk& ask, std::span<const run::PointRecord> points);

/// "8 requests/s", "64 in flight".
std::string load_text(const workload::RunSpec& spec);

}  // namespace kneepoint::app
