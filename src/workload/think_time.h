#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/units.h"

namespace kneepoint::workload {

enum class ThinkKind { Fixed, Uniform, Exponential, Lognormal };

/// How long a user thinks between an answer and the next question. As text, in seconds:
///
///     4                  always so long
///     uniform:2,10       from 2 to 10
///     exponential:4      mean 4
///     lognormal:4,6      mean and standard deviation, of the seconds themselves
///
/// No draw is longer than a day.
struct ThinkTime {
  ThinkKind kind = ThinkKind::Fixed;
  double first = 0;   // seconds; uniform: least; exponential and lognormal: mean
  double second = 0;  // uniform: most; lognormal: standard deviation

  Nanos draw(Random& random) const;

  friend bool operator==(const ThinkTime&, const ThinkTime&) = default;
};

/// The error says what is wrong and at which column of the text.
Result<ThinkTime> parse_think_time(std::string_view text);
/// parse_think_time() reads it back to the same value.
std::string to_text(const ThinkTime& think);

}  // namespace kneepoint::workload
