#pragma once

#include <string>
#include <string_view>

#include "report/bench_report.h"

/// The parts of the HTML page, in its order. Each is whole by itself and empty where there is
/// nothing to show.
namespace kneepoint::report {

std::string verdict_section(const BenchReport& report, const BenchCurve& curve);
std::string curve_section(const BenchReport& report, const BenchCurve& curve);
std::string distribution_section(const BenchReport& report, const BenchCurve& curve);
std::string table_section(const BenchReport& report, const BenchCurve& curve);
std::string series_section(const BenchReport& report, const BenchCurve& curve,
                           std::size_t most_values);
std::string trouble_section(const BenchReport& report);
std::string environment_section(const BenchReport& report);
std::string definition_section();

/// The indices of all points: those of the curve in its order, then the rest.
std::vector<std::size_t> all_in_order(const BenchCurve& curve);
/// A figure as people read it, with the exact one in its markup; "–" when missing.
std::string number_html(double value);
/// "at the knee"; "not valid" for a point that does not count.
std::string_view place_words(const BenchReport& report, const BenchCurve& curve,
                             std::size_t record);
std::string_view place_style(const BenchReport& report, const BenchCurve& curve,
                             std::size_t record);
/// At most so many characters; text of outside is shortened before it is escaped.
inline constexpr std::size_t kMostWords = 400;

}  // namespace kneepoint::report
