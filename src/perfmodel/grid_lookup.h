#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "perfmodel/operator_tables.h"

/// Reading between the points of a kernel table: straight lines in the logarithms of both. The
/// operators' own.
namespace kneepoint::perfmodel {

/// A value on an axis; outside of it the nearest end, with `at` saying which value that is.
struct AxisPlace {
  std::size_t index = 0;
  double weight = 0;  // of the point after it
  double at = 1;      // the value, held inside the axis
};

inline AxisPlace place_on(std::span<const std::int32_t> axis, double value) {
  if (value <= axis.front()) return {0, 0, static_cast<double>(axis.front())};
  if (value >= axis.back()) {
    const auto at = static_cast<double>(axis.back());
    if (axis.size() == 1) return {0, 0, at};
    return {axis.size() - 2, 1, at};
  }
  const auto after =
      std::ranges::upper_bound(axis, value, {}, [](std::int32_t v) { return double(v); });
  const auto low = static_cast<double>(*(after - 1));
  const double weight = std::log2(value / low) / std::log2(static_cast<double>(*after) / low);
  return {static_cast<std::size_t>(after - axis.begin()) - 1, weight, value};
}

/// Nanoseconds of a level in 1 / Grid::kSteps octaves of a microsecond.
inline double nanos_of(double level) { return 1e3 * std::exp2(level / Grid::kSteps); }

/// Levels of a run over the last axis.
inline double level_on(std::span<const std::int16_t> run, AxisPlace where) {
  const double low = run[where.index];
  if (where.weight == 0) return low;
  return low + where.weight * (run[where.index + 1] - low);
}

inline double level_on(const Grid& grid, AxisPlace outer, AxisPlace inner) {
  const std::size_t width = grid.axes[1].size();
  const double low = level_on(grid.values.subspan(outer.index * width, width), inner);
  if (outer.weight == 0) return low;
  const double high = level_on(grid.values.subspan((outer.index + 1) * width, width), inner);
  return low + outer.weight * (high - low);
}

/// More work is never faster: isolated slow measurements give way to the faster ones after them.
template <class Values>
void never_falling(Values& values) {
  for (std::size_t i = values.size() - 1; i-- > 0;) values[i] = std::min(values[i], values[i + 1]);
}

inline double square_of_log(double a, double b) {
  const double ratio = std::log(a / b);
  return ratio * ratio;
}

}  // namespace kneepoint::perfmodel
