#pragma once

#include <optional>
#include <string>
#include <vector>

#include "curve/curve.h"
#include "metrics/metric.h"
#include "profile/profile.h"

/// The classic picture of a serving setup: throughput to the right, latency upwards, one point per
/// measured load, labelled with that load. The knee, the zones around it, the target and the
/// operating point are marked, and the line under the title says where the numbers come from.
namespace kneepoint::report {

struct CurvePlot {
  std::string title;     // "meta-llama/Llama-3.1-8B-Instruct"
  std::string subtitle;  // "vllm 0.9.1 · 2 × nvidia-h100-80gb (TP 2, fp8) · random:1024/1024"
  std::string evidence;  // "published: SGLang cookbook, 2026-02-03, Apache-2.0"; never empty
  curve::LoadKind load_kind = curve::LoadKind::Concurrency;
  std::vector<curve::LoadPoint> points;  // any order; drawn in order of load
  curve::Knee knee;
  std::vector<curve::Zone> zones;  // one per point; empty: unknown
  metrics::Metric metric = metrics::Metric::Tpot;
  metrics::Statistic statistic = metrics::Statistic::P50;
  std::optional<double> target_ms;  // a bound on that metric
  std::optional<curve::OperatingPoint> operating_point;
};

/// The y axis when nobody named one: the metric of the first target, else the first of TPOT, NTPOT,
/// ITL, E2E and TTFT of which at least two points (or the only one) have p50 or its closest
/// substitute.
struct PlotAxis {
  metrics::Metric metric;
  metrics::Statistic statistic;
};
PlotAxis default_axis(const std::vector<curve::LoadPoint>& points,
                      std::optional<curve::Target> target);

/// Title, evidence, points, knee and zones of a profile. `source` is the source's name for people;
/// without it the profile's own word stands.
CurvePlot plot_of(const profile::Profile& profile, std::optional<curve::Target> target = {},
                  std::string_view source = {});

/// "published: SGLang cookbook, 2026-02-03, Apache-2.0", "measured: ...", "predicted: ...".
std::string evidence_line(const profile::Profile& profile, std::string_view source = {});

struct TerminalStyle {
  int width = 80;   // columns of the whole picture, at least 40
  int height = 18;  // rows inside the frame, at least 6
  bool unicode = true;
  bool color = false;
};
std::string terminal_plot(const CurvePlot& plot, TerminalStyle style = {});

/// One self-contained SVG file: no scripts, no fonts or images from outside, dark colours where the
/// reader prefers them. The same plot gives the same bytes.
std::string svg_plot(const CurvePlot& plot);

}  // namespace kneepoint::report
