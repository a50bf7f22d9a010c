#include "report/plot_layout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace kneepoint::report {
namespace {

// Past this ratio of highest to lowest latency a linear axis hides the low points.
constexpr double kLogRatio = 20;
// A target further than this above the highest latency would flatten the curve: told in words only.
constexpr double kTargetRoom = 1.8;

double nice_step(double span, int steps) {
  const double rough = span / steps;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (rough <= factor * power * (1 + 1e-9)) return factor * power;
  }
  return 10 * power;
}

bool drawable(double value) { return std::isfinite(value) && value >= 0; }

// Zones as bands of latency: right whenever each zone's latencies lie above those of the zone
// before, which is what latency does as load rises. Noise that breaks the order leaves no bands.
std::vector<Band> bands_of(const std::vector<Drawn>& points) {
  constexpr std::array kOrder{curve::Zone::Below, curve::Zone::At, curve::Zone::Past};
  struct Extent {
    curve::Zone zone;
    double low, high;
  };
  std::vector<Extent> extents;
  for (const curve::Zone zone : kOrder) {
    Extent extent{zone, 2, -1};
    for (const Drawn& p : points) {
      if (p.zone != zone) continue;
      extent.low = std::min(extent.low, p.fy);
      extent.high = std::max(extent.high, p.fy);
    }
    if (extent.high >= 0) extents.push_back(extent);
  }
  if (extents.size() < 2) return {};
  std::vector<Band> bands;
  double from = 0;
  for (std::size_t i = 0; i < extents.size(); ++i) {
    if (i + 1 < extents.size() && extents[i].high > extents[i + 1].low) return {};
    const double to = i + 1 < extents.size() ? (extents[i].high + extents[i + 1].low) / 2 : 1;
    bands.push_back({extents[i].zone, from, to});
    from = to;
  }
  return bands;
}

std::vector<Step> path_of(const std::vector<Drawn>& points, const Axis& x, const Axis& y) {
  std::vector<Step> path;
  const int pieces = y.log ? 16 : 1;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (int piece = 1; i > 0 && piece < pieces; ++piece) {
      const double t = static_cast<double>(piece) / pieces;
      const Drawn &from = points[i - 1], &to = points[i];
      path.push_back({x.at(from.x + (to.x - from.x) * t), y.at(from.y + (to.y - from.y) * t), i});
    }
    path.push_back({points[i].fx, points[i].fy, i});
  }
  return path;
}

std::string metric_words(const CurvePlot& plot) {
  return std::string(metrics::label(plot.metric)) + " " + std::string(name(plot.statistic));
}

}  // namespace

Axis linear_axis(double highest) {
  Axis axis;
  if (!(highest > 0) || highest > 1e300) highest = highest > 0 ? 1e300 : 1;
  const double step = nice_step(highest * 1.04, 5);
  const double count = std::max(1.0, std::ceil(highest * 1.04 / step - 1e-9));
  axis.max = step * count;
  for (int i = 0; i <= static_cast<int>(count); ++i) axis.ticks.push_back(step * i);
  return axis;
}

Axis log_axis(double lowest, double highest) {
  Axis axis;
  axis.log = true;
  std::vector<double> marks;
  const int first = static_cast<int>(std::floor(std::log10(lowest)));
  const int last = static_cast<int>(std::ceil(std::log10(highest)));
  // 1-2-5 steps while few decades are shown, whole decades after that, then every few of them.
  const int decades = last - first;
  const int stride = std::max(1, decades / 8);
  for (int e = first; e <= last + stride; e += stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor == 1.0 || decades <= 3) marks.push_back(factor * std::pow(10.0, e));
    }
  }
  const auto above = std::upper_bound(marks.begin(), marks.end(), lowest * 0.97);
  const auto begin = above == marks.begin() ? above : above - 1;
  auto end = std::lower_bound(marks.begin(), marks.end(), highest * 1.05);
  if (end != marks.end()) ++end;
  axis.ticks.assign(begin, end);
  axis.min = axis.ticks.front();
  axis.max = axis.ticks.back();
  return axis;
}

double Axis::at(double value) const {
  if (!(max > min) || std::isnan(value)) return 0;
  const double share =
      log ? (std::log(std::max(value, min)) - std::log(min)) / (std::log(max) - std::log(min))
          : (value - min) / (max - min);
  return std::clamp(share, 0.0, 1.0);
}

std::string_view zone_words(curve::Zone zone) {
  switch (zone) {
    case curve::Zone::Below:
      return "below the knee";
    case curve::Zone::At:
      return "at the knee";
    case curve::Zone::Past:
      return "past the knee";
    case curve::Zone::Unknown:
      break;
  }
  return "zone unknown";
}

std::string figure(double value) {
  if (!std::isfinite(value)) return "?";
  if (std::abs(value) >= 1e12 || (value != 0 && std::abs(value) < 0.0005)) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::general, 4)
                         .ptr;
    return {digits.data(), end};
  }
  std::string text = fixed(value, std::abs(value) >= 100  ? 0
                                  : std::abs(value) >= 10 ? 1
                                  : std::abs(value) >= 1  ? 2
                                                          : 3);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  const std::size_t first = text.front() == '-' ? 1 : 0;
  const std::size_t point = std::min(text.find('.'), text.size());
  for (std::size_t at = point; at > first + 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string tick_text(double value) {
  if (value < 1e6 || value >= 1e15) return figure(value);
  constexpr std::string_view kSuffixes = "MGT";
  std::size_t step = 0;
  value /= 1e6;
  for (; value >= 1000 && step + 1 < kSuffixes.size(); ++step) value /= 1000;
  return figure(value) + kSuffixes[step];
}

Layout lay_out(const CurvePlot& plot) {
  Layout layout;
  double x_high = 0, y_high = 0, y_low = HUGE_VAL;
  for (std::size_t i = 0; i < plot.points.size(); ++i) {
    Drawn p;
    p.index = i;
    p.x = plot.points[i].output_tokens_per_second;
    p.y = plot.points[i].latency.get(plot.metric, plot.statistic);
    if (!drawable(plot.points[i].load) || !drawable(p.x) || !drawable(p.y)) {
      ++layout.left_out;
      continue;
    }
    p.zone = i < plot.zones.size() ? plot.zones[i] : curve::Zone::Unknown;
    p.is_knee = plot.knee.state == curve::KneeState::Found && plot.knee.index == i;
    p.load = figure(plot.points[i].load);
    x_high = std::max(x_high, p.x);
    y_high = std::max(y_high, p.y);
    y_low = std::min(y_low, p.y);
    layout.points.push_back(std::move(p));
  }
  std::stable_sort(layout.points.begin(), layout.points.end(),
                   [&plot](const Drawn& a, const Drawn& b) {
                     return plot.points[a.index].load < plot.points[b.index].load;
                   });
  layout.points_text = "load point, with its load in " + std::string(unit(plot.load_kind));
  layout.knee_text = curve::sentence(plot.knee, plot.load_kind);
  if (layout.points.empty()) {
    layout.empty_text =
        "nothing to draw: no point has both output tokens/s and " + metric_words(plot);
    y_low = 0;
  }

  const bool has_target = plot.target_ms && drawable(*plot.target_ms) && *plot.target_ms > 0;
  const bool target_shown =
      has_target && (layout.points.empty() || *plot.target_ms <= y_high * kTargetRoom);
  if (target_shown) {
    y_high = std::max(y_high, *plot.target_ms);
    y_low = std::min(y_low, *plot.target_ms);
  }
  layout.x = linear_axis(x_high);
  layout.y =
      y_low > 0 && y_high / y_low > kLogRatio ? log_axis(y_low, y_high) : linear_axis(y_high);
  layout.x.title = "throughput: output tokens/s of one replica";
  layout.y.title = metric_words(plot) + ", ms" + (layout.y.log ? " (log scale)" : "");
  for (Drawn& p : layout.points) {
    p.fx = layout.x.at(p.x);
    p.fy = layout.y.at(p.y);
  }
  layout.path = path_of(layout.points, layout.x, layout.y);
  layout.bands = bands_of(layout.points);

  if (has_target) {
    layout.target_text =
        "target: " + metric_words(plot) + " at most " + figure(*plot.target_ms) + " ms";
    if (target_shown) {
      layout.target = layout.y.at(*plot.target_ms);
    } else {
      layout.target_text += " (above this picture)";
    }
  }
  if (plot.operating_point) {
    Drawn p;
    p.x = plot.operating_point->point.output_tokens_per_second;
    p.y = plot.operating_point->point.latency.get(plot.metric, plot.statistic);
    if (drawable(p.x) && drawable(p.y)) {
      p.fx = layout.x.at(p.x);
      p.fy = layout.y.at(p.y);
      p.zone = plot.operating_point->zone;
      p.load = figure(plot.operating_point->point.load);
      layout.operating_text = "operating point: " + p.load + " " +
                              std::string(unit(plot.load_kind)) + ", " + figure(p.x) +
                              " tokens/s, " + figure(p.y) + " ms" +
                              (plot.operating_point->interpolated ? " (interpolated)" : "");
      layout.operating_point = std::move(p);
    }
  }
  return layout;
}

}  // namespace kneepoint::report
