#include "report/plot.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace kneepoint::report {
namespace {

std::string precision_and_split(const profile::ServingSetup& setup) {
  std::vector<std::string> parts;
  if (setup.tensor_parallel.value_or(1) > 1) {
    parts.push_back("TP " + std::to_string(*setup.tensor_parallel));
  }
  if (setup.pipeline_parallel.value_or(1) > 1) {
    parts.push_back("PP " + std::to_string(*setup.pipeline_parallel));
  }
  if (!setup.weight_precision.empty()) parts.push_back(setup.weight_precision);
  if (!setup.decoding.empty() && setup.decoding != "serving") parts.push_back(setup.decoding);
  return join(parts, ", ");
}

std::string subtitle_of(const profile::Profile& profile) {
  const profile::ServingSetup& setup = profile.setup;
  std::vector<std::string> parts;
  if (!setup.model_server.empty()) {
    parts.push_back(setup.model_server);
    if (!setup.model_server_version.empty()) parts.back() += " " + setup.model_server_version;
  }
  if (!setup.accelerator.empty()) {
    parts.push_back(setup.accelerator_count
                        ? std::to_string(*setup.accelerator_count) + " × " + setup.accelerator
                        : setup.accelerator);
    if (const std::string split = precision_and_split(setup); !split.empty()) {
      parts.back() += " (" + split + ")";
    }
  }
  if (!profile.workload.name.empty()) parts.push_back(profile.workload.name);
  return join(parts, " · ");
}

}  // namespace

PlotAxis default_axis(const std::vector<curve::LoadPoint>& points,
                      std::optional<curve::Target> target) {
  if (target) return {target->metric, target->statistic};
  using metrics::Metric;
  constexpr std::array kOrder{Metric::Tpot, Metric::Ntpot, Metric::Itl, Metric::E2e, Metric::Ttft};
  const std::size_t enough = std::min<std::size_t>(2, points.size());
  for (const Metric metric : kOrder) {
    for (const metrics::Statistic statistic : {metrics::Statistic::P50, metrics::Statistic::Mean,
                                               metrics::Statistic::P90, metrics::Statistic::P99}) {
      const auto have = static_cast<std::size_t>(
          std::count_if(points.begin(), points.end(), [&](const curve::LoadPoint& p) {
            return p.latency.has(metric, statistic) &&
                   !metrics::is_missing(p.output_tokens_per_second);
          }));
      if (have > 0 && have >= enough) return {metric, statistic};
    }
  }
  return {Metric::Tpot, metrics::Statistic::P50};
}

CurvePlot plot_of(const profile::Profile& profile, std::optional<curve::Target> target,
                  std::string_view source) {
  CurvePlot plot;
  plot.title = profile.setup.model;
  plot.subtitle = subtitle_of(profile);
  plot.evidence = evidence_line(profile, source);
  plot.load_kind = profile.load_kind;
  plot.points = profile::curve_of(profile);
  plot.knee = curve::find_knee(plot.points, plot.load_kind);
  plot.zones = curve::zones(plot.points, plot.knee);
  const PlotAxis axis = default_axis(plot.points, target);
  plot.metric = axis.metric;
  plot.statistic = axis.statistic;
  if (target) plot.target_ms = target->at_most_ms;
  return plot;
}

std::string evidence_line(const profile::Profile& profile, std::string_view source) {
  const profile::Evidence& evidence = profile.evidence;
  std::string line(name(evidence.kind));
  line += ": ";
  line += source.empty() ? std::string_view(evidence.source) : source;
  std::string oldest, newest;
  for (const profile::Point& p : profile.points) {
    if (p.measured_on.empty()) continue;
    if (oldest.empty() || p.measured_on < oldest) oldest = p.measured_on;
    newest = std::max(newest, p.measured_on);
  }
  line += newest.empty() ? ", undated" : ", " + oldest;
  if (newest != oldest) line += " to " + newest;
  if (!evidence.licence.empty()) line += ", " + evidence.licence;
  return line;
}

}  // namespace kneepoint::report
