#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/units.h"

namespace kneepoint::emulator {

enum class DelayKind { Constant, Uniform, Normal, Lognormal, Exponential };

/// How long something takes, drawn each time. As a flag says it:
///
///     10ms                   always so long
///     uniform:5ms,15ms       from 5 to 15 ms
///     normal:10ms,2ms        mean and standard deviation; never below 0
///     lognormal:100ms,0.5    median, and standard deviation of the logarithm
///     exponential:10ms       mean
///
/// Units are ns, us, ms, s and m; no draw is longer than an hour.
struct DelaySpec {
  DelayKind kind = DelayKind::Constant;
  double first = 0;   // nanoseconds: the value, least, mean or median
  double second = 0;  // nanoseconds: most or deviation; of the logarithm for lognormal

  /// The same numbers from the same stream on every processor.
  Nanos draw(Random& random) const;
  /// Of the distribution, before it is cut at 0 and at an hour. Nanoseconds.
  double mean() const;
};

Result<DelaySpec> parse_delay(std::string_view text);
/// parse_delay() reads it back to the same value.
std::string to_text(const DelaySpec& spec);

/// "250us", "5s"; from 0 to an hour.
Result<Nanos> parse_duration(std::string_view text);

}  // namespace kneepoint::emulator
