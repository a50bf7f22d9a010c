#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "report/plot.h"

/// What the SVG and the terminal picture have in common: which points can be drawn, the axes, the
/// zone bands and all words. Positions are fractions of the frame, (0, 0) at its lower left.
namespace kneepoint::report {

struct Axis {
  double min = 0, max = 1;
  bool log = false;
  std::vector<double> ticks;
  std::string title;

  /// 0 at `min`, 1 at `max`; values outside land on the nearer edge.
  double at(double value) const;
};
/// From 0 to a round number at or above `highest`.
Axis linear_axis(double highest);
/// Between round numbers around both, which are above 0.
Axis log_axis(double lowest, double highest);

struct Drawn {
  std::size_t index = 0;  // in CurvePlot::points
  double x = 0, y = 0;    // in units of the axes
  double fx = 0, fy = 0;  // as fractions of the frame
  curve::Zone zone = curve::Zone::Unknown;
  bool is_knee = false;
  std::string load;  // "32", "2.5"
};

/// The line between two points is linear in milliseconds, as interpolation is; on a log axis that
/// is a bent line, hence steps.
struct Step {
  double fx, fy;
  std::size_t towards;  // in Layout::points
};

/// Part of the height of the frame that belongs to one zone.
struct Band {
  curve::Zone zone;
  double from, to;
};

struct Layout {
  std::vector<Drawn> points;  // in order of load; those without both figures are left out
  std::size_t left_out = 0;
  std::vector<Step> path;  // through the points, straight in units of the axes
  Axis x, y;
  std::vector<Band> bands;  // from below; empty when latency does not order the zones
  std::optional<Drawn> operating_point;
  std::optional<double> target;  // fraction of the height, when inside the frame
  std::string target_text;       // "target: TPOT p50 at most 50 ms"
  std::string operating_text;    // "operating point: 1,240 tokens/s at 45 ms"
  std::string knee_text;         // "knee at 32 clients"
  std::string points_text;       // "load point, with its load in clients"
  std::string empty_text;        // why there is nothing to draw, when there is nothing
};

Layout lay_out(const CurvePlot& plot);

/// "below the knee", "at the knee", "past the knee".
std::string_view zone_words(curve::Zone zone);

/// For the axes: as figure(), from a million on "2.5M", "10G".
std::string tick_text(double value);

/// With thousands separators and at most three decimals: "12,400", "0.125", "1e+20".
std::string figure(double value);

}  // namespace kneepoint::report
