#pragma once

#include <string>

#include "report/bench_report.h"

/// The report as text, for terminals and for other programs.
namespace kneepoint::report {

/// One row for each point: those of the curve by ascending load, then the rest. Column names carry
/// their units and stay as they are; new columns come last. A missing figure is an empty field.
/// Figures have the fewest digits that read back to the same double.
std::string bench_csv(const BenchReport& report);

/// Verdict, a row for each point, and what a reader must know.
std::string bench_table(const BenchReport& report);

}  // namespace kneepoint::report
