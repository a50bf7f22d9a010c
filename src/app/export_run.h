#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "report/bench_report.h"

namespace kneepoint::app {

/// A run as it lies on the disk: the directory of a sweep, or the report of `bench run`.
struct StoredRun {
  json::Value document;  // docs/schema/bench-report.v1.json
  report::BenchReport report;
};
/// Errors name the path and what is wrong there.
Result<StoredRun> read_run(const std::string& path);

/// In one of `table`, `json`, `csv`, `html`, `llm-d`.
std::string export_run(const StoredRun& run, std::string_view format);

}  // namespace kneepoint::app
