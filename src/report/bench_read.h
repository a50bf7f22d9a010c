#pragma once

#include "base/json.h"
#include "base/result.h"
#include "report/bench_report.h"

namespace kneepoint::report {

inline constexpr std::size_t kMostPoints = 10'000;

/// What is known of a run from its report or from the header of its directory: "tool", "evidence"
/// and "target". Whatever is not there is empty.
RunFacts facts_from_json(const json::Value& head);

/// The document `bench run --report` writes, docs/schema/bench-report.v1.json. Incompatible: of a
/// later version. InvalidArgument: something else; the error names the point and its member.
Result<BenchReport> bench_report_from_json(const json::Value& value);

}  // namespace kneepoint::report
