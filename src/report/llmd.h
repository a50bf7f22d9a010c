#pragma once

#include "base/json.h"
#include "report/bench_report.h"

namespace kneepoint::report {

/// One load point as a benchmark report of llm-d, schema 0.2 (llm-d-benchmark,
/// benchmark-report/llmd_benchmark_report/br_v0_2_json_schema.json): one of its documents is one
/// workload at one load. Times are in seconds, as its own tools write them. What the schema has no
/// place for (validity, confidence intervals, histograms) stands in scenario.load.native.config.
json::Value llmd_document(const BenchReport& report, std::size_t point);

/// All points in order of load, as a stream of YAML documents.
std::string llmd_yaml(const BenchReport& report);

}  // namespace kneepoint::report
