#pragma once

#include <cstddef>
#include <string>

#include "report/bench_report.h"

namespace kneepoint::report {

/// A page of up to 200 points is not larger: what does not fit is thinned out, and the page says
/// so.
inline constexpr std::size_t kMostPageBytes = 1'000'000;

/// The report as one self-contained HTML page: verdict, curve with the knee and its zones, latency
/// distributions, time series of each point with the server's own signals, a table of all points,
/// errors and remarks, and what was measured with what. It loads nothing from anywhere, works
/// without its script, follows the reader's light or dark, and prints. What servers and users named
/// is text there, never markup. The same report gives the same bytes.
std::string html_page(const BenchReport& report);

}  // namespace kneepoint::report
