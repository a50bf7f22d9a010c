#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "report/chart.h"
#include "report/html_sections.h"
#include "report/plot.h"
#include "report/xml_text.h"
#include "run/measured_profile.h"

// How throughput and latencies go with the load: the picture that a decision is made from.
namespace kneepoint::report {
namespace {

using metrics::Metric;
using metrics::Statistic;

std::vector<double> loads_of(const BenchCurve& curve) {
  std::vector<double> loads;
  for (const curve::LoadPoint& point : curve.points) loads.push_back(point.load);
  return loads;
}

// Loads mostly double from one to the next. Its marks are the loads themselves, as many as have
// room; the knee's before all others.
Axis load_axis(const BenchCurve& curve) {
  std::vector<double> loads = loads_of(curve);
  std::erase_if(loads, [](double load) { return !std::isfinite(load) || load <= 0; });
  if (loads.empty()) return linear_axis(1);
  const auto [lowest, highest] = std::ranges::minmax(loads);
  Axis axis;
  axis.log = highest / lowest >= 8;
  axis.min = axis.log ? lowest / 1.2 : 0;
  axis.max = axis.log ? highest * 1.2 : highest * 1.06;
  if (curve.knee.state == curve::KneeState::Found) {
    loads.insert(loads.begin(), curve.points[curve.knee.index].load);
  }
  for (const double load : loads) {
    const bool room = std::ranges::none_of(axis.ticks, [&axis, load](double tick) {
      return std::abs(axis.at(tick) - axis.at(load)) < 0.04;
    });
    if (room) axis.ticks.push_back(load);
  }
  axis.title = "load: " + std::string(curve::unit(curve.kind));
  return axis;
}

// Boundaries lie half-way between the loads of different zones, in the measure of the axis.
std::vector<Stretch> zones_of(const BenchCurve& curve, const Axis& axis) {
  std::vector<Stretch> stretches;
  if (curve.knee.state != curve::KneeState::Found) return stretches;
  curve::Zone zone = curve::Zone::Unknown;
  double load = axis.min;
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    if (curve.zones[i] == curve::Zone::Unknown) continue;
    const double here = curve.points[i].load;
    if (curve.zones[i] != zone) {
      const double from = stretches.empty() ? axis.min
                          : axis.log        ? std::sqrt(load * here)
                                            : (load + here) / 2;
      if (!stretches.empty()) stretches.back().to = from;
      zone = curve.zones[i];
      stretches.push_back({from, axis.max, "zone-" + std::string(curve::name(zone))});
    }
    load = here;
  }
  return stretches;
}

std::vector<bool> hollow_marks(const BenchCurve& curve) {
  std::vector<bool> hollow = curve.counts;
  hollow.flip();
  return hollow;
}

Chart over_load(const BenchCurve& curve, std::string id, std::string title) {
  Chart chart;
  chart.id = std::move(id);
  chart.title = std::move(title);
  chart.x = load_axis(curve);
  chart.x_unit = curve::unit(curve.kind);
  chart.stretches = zones_of(curve, chart.x);
  if (curve.knee.state == curve::KneeState::Found) {
    const double load = curve.points[curve.knee.index].load;
    chart.mark = load;
    chart.mark_text = "knee: " + load_text({curve.kind, load});
  }
  return chart;
}

std::string throughput_chart(const BenchCurve& curve) {
  Chart chart = over_load(curve, "throughput", "Throughput over load");
  Line line{.name = "output tokens/s",
            .style = "rate",
            .x = loads_of(curve),
            .dots = true,
            .hollow = hollow_marks(curve)};
  for (const curve::LoadPoint& point : curve.points)
    line.y.push_back(point.output_tokens_per_second);
  chart.lines.push_back(std::move(line));
  chart.y = axis_for({});
  double highest = 0;
  for (const double y : chart.lines.front().y) highest = std::max(highest, std::isnan(y) ? 0 : y);
  chart.y = linear_axis(highest);
  chart.y_title = "output tokens/s";
  return chart_html(chart);
}

std::string latency_chart(const BenchCurve& curve) {
  Chart chart = over_load(curve, "latency", "Latency over load");
  struct Wanted {
    Metric metric;
    Statistic statistic;
    bool on;
  };
  for (const Wanted& wanted :
       {Wanted{Metric::Ttft, Statistic::P50, true}, Wanted{Metric::Ttft, Statistic::P99, true},
        Wanted{Metric::Itl, Statistic::P50, true}, Wanted{Metric::Itl, Statistic::P99, true},
        Wanted{Metric::Tpot, Statistic::P50, false}, Wanted{Metric::E2e, Statistic::P50, false},
        Wanted{Metric::E2e, Statistic::P99, false}}) {
    const bool tail = wanted.statistic == Statistic::P99;
    Line line{.name = std::string(metrics::label(wanted.metric)) + " " +
                      std::string(name(wanted.statistic)),
              .style = std::string(metrics::name(wanted.metric)) + (tail ? " dashed" : ""),
              .x = loads_of(curve),
              .dots = !tail,
              .on = wanted.on,
              .hollow = hollow_marks(curve)};
    for (const curve::LoadPoint& point : curve.points) {
      line.y.push_back(point.latency.get(wanted.metric, wanted.statistic));
    }
    chart.lines.push_back(std::move(line));
  }
  chart.y = axis_for(chart.lines);
  chart.y_title = std::string("milliseconds") + (chart.y.log ? ", log scale" : "");
  chart.y_unit = "ms";
  chart.height = 340;
  return chart_html(chart);
}

std::string classic_picture(const BenchReport& report, const BenchCurve& curve) {
  CurvePlot plot;
  plot.title = report.facts.model.empty() ? "Throughput against latency" : report.facts.model;
  plot.subtitle = run::workload_name(report.points[curve.order.front()].spec);
  plot.evidence = verdict_of(report, curve).evidence;
  plot.load_kind = curve.kind;
  plot.points = curve.points;
  plot.knee = curve.knee;
  plot.zones = curve.zones;
  const PlotAxis axis = default_axis(plot.points, {});
  plot.metric = axis.metric;
  plot.statistic = axis.statistic;
  return "<details><summary>Throughput against latency, in one picture</summary>"
         "<div class=\"classic\">\n" +
         svg_plot(plot) + "</div></details>\n";
}

std::string zone_legend(const BenchCurve& curve) {
  if (curve.knee.state != curve::KneeState::Found) return {};
  std::string out = "<ul class=\"zones\">";
  for (const curve::Zone zone : {curve::Zone::Below, curve::Zone::At, curve::Zone::Past}) {
    out += "<li><i class=\"zone-" + std::string(curve::name(zone)) + "\"></i>" +
           std::string(zone_words(zone)) + "</li>";
  }
  const bool some_hollow = std::ranges::count(curve.counts, false) > 0;
  if (some_hollow) out += "<li>hollow marks: points that do not count</li>";
  return out + "</ul>\n";
}

}  // namespace

std::string curve_section(const BenchReport& report, const BenchCurve& curve) {
  if (curve.points.empty()) return {};
  std::string out =
      "<section aria-labelledby=\"curve\">\n<h2 id=\"curve\">Load, throughput and "
      "latency</h2>\n<div class=\"card\">\n";
  out += zone_legend(curve);
  if (curve.points.size() > 1) out += throughput_chart(curve) + latency_chart(curve);
  out += classic_picture(report, curve);
  return out + "</div>\n</section>\n";
}

}  // namespace kneepoint::report
