#include <algorithm>
#include <cmath>

#include "report/chart.h"
#include "report/html_sections.h"

// How latencies are spread at each load. Percentiles go to the right on a scale that gives 99 as
// much room beyond 90 as 90 has beyond 0, so that the tail can be read: -log10(1 - q), as in the
// plots of HdrHistogram.
namespace kneepoint::report {
namespace {

constexpr std::size_t kMostLoads = 12;  // lines in one chart
constexpr int kSteps = 16;              // values between 0 and p90, and between p90 and p99
constexpr double kFarthest = 3;         // p99.9

// Enough loads to see the change, always with the first, the knee and the last.
std::vector<std::size_t> loads_to_draw(const BenchReport& report, const BenchCurve& curve) {
  std::vector<std::size_t> have;  // places in the curve
  for (std::size_t i = 0; i < curve.order.size(); ++i) {
    if (report.points[curve.order[i]].latency.size() == metrics::kMetrics.size()) have.push_back(i);
  }
  if (have.size() <= kMostLoads) return have;
  std::vector<std::size_t> drawn;
  for (std::size_t i = 0; i < kMostLoads; ++i) {
    drawn.push_back(have[i * (have.size() - 1) / (kMostLoads - 1)]);
  }
  const bool knee = curve.knee.state == curve::KneeState::Found &&
                    std::ranges::find(have, curve.knee.index) != have.end() &&
                    std::ranges::find(drawn, curve.knee.index) == drawn.end();
  if (knee) {
    const auto nearest =
        std::ranges::min_element(drawn.begin() + 1, drawn.end() - 1, {}, [&curve](std::size_t i) {
          return std::max(i, curve.knee.index) - std::min(i, curve.knee.index);
        });
    *nearest = curve.knee.index;
  }
  return drawn;
}

Line line_of(const metrics::Histogram& histogram) {
  Line line;
  // Past the last value there is nothing to say: of 200 requests the farthest is p99.5.
  const double farthest =
      std::min(kFarthest, std::log10(std::max<double>(1, static_cast<double>(histogram.count()))));
  for (int step = 0; step <= static_cast<int>(kSteps * kFarthest); ++step) {
    const double at = static_cast<double>(step) / kSteps;
    if (at > farthest) break;
    const auto value = histogram.quantile(1 - std::pow(10.0, -at));
    if (!value) break;
    line.x.push_back(at);
    line.y.push_back(static_cast<double>(value->count()) / 1e6);
  }
  return line;
}

std::string chart_of(const BenchReport& report, const BenchCurve& curve,
                     const std::vector<std::size_t>& places, metrics::Metric metric) {
  Chart chart;
  chart.id = "spread-" + std::string(metrics::name(metric));
  chart.title = std::string(metrics::label(metric)) + " by percentile";
  chart.y_unit = "ms";
  chart.width = 520;
  chart.height = 320;
  for (std::size_t n = 0; n < places.size(); ++n) {
    const std::size_t place = places[n];
    const run::PointRecord& point = report.points[curve.order[place]];
    Line line = line_of(point.latency[static_cast<std::size_t>(metric)]);
    line.name = load_text({curve.kind, curve.points[place].load});
    const bool found = curve.knee.state == curve::KneeState::Found;
    if (found && place == curve.knee.index) {
      line.style = "at-knee thick";
      line.name += " (knee)";
    } else if (found && curve.zones[place] == curve::Zone::Past) {
      line.style = "past thin";
    } else {
      line.style = "load thin";
      line.shade =
          places.size() > 1 ? static_cast<double>(n) / static_cast<double>(places.size() - 1) : 1;
    }
    if (!curve.counts[place]) line.style += " dashed";
    chart.lines.push_back(std::move(line));
  }
  chart.x.min = 0;
  chart.x.max = kFarthest;
  chart.x.ticks = {0, std::log10(2), 1, -std::log10(0.05), 2, 3};
  chart.x_ticks = {"0", "50", "90", "95", "99", "99.9"};
  chart.x.title = "percentile of " +
                  std::string(metric == metrics::Metric::Itl ? "all gaps" : "completed requests");
  for (int step = 0; step <= static_cast<int>(kSteps * kFarthest); ++step) {
    chart.x_names.push_back(
        "p" + figure(100 * (1 - std::pow(10.0, -static_cast<double>(step) / kSteps))));
  }
  chart.y = axis_for(chart.lines);
  chart.y_title = std::string("milliseconds") + (chart.y.log ? ", log scale" : "");
  return chart_html(chart);
}

}  // namespace

std::string distribution_section(const BenchReport& report, const BenchCurve& curve) {
  if (curve.points.empty()) return {};
  std::string out =
      "<section aria-labelledby=\"spread\">\n<h2 id=\"spread\">Latency distributions</h2>\n"
      "<div class=\"card\">\n";
  const std::vector<std::size_t> places = loads_to_draw(report, curve);
  if (places.empty()) {
    return out + "<p class=\"none\">This report holds no histograms.</p>\n</div>\n</section>\n";
  }
  out += "<p class=\"note\">One line for each load: from faint to strong as the load rises";
  if (curve.knee.state == curve::KneeState::Found) out += ", the knee thick, past it red";
  out += ". The scale widens towards the tail.";
  if (places.size() < curve.order.size()) {
    out += " Drawn: " + std::to_string(places.size()) + " of " +
           std::to_string(curve.order.size()) + " loads.";
  }
  out += "</p>\n<div class=\"pair\">\n";
  for (const metrics::Metric metric :
       {metrics::Metric::Ttft, metrics::Metric::Itl, metrics::Metric::Tpot, metrics::Metric::E2e}) {
    out += chart_of(report, curve, places, metric);
  }
  return out + "</div>\n</div>\n</section>\n";
}

}  // namespace kneepoint::report
