#include "workload/think_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/portable_math.h"
#include "base/text.h"

namespace kneepoint::workload {
namespace {

constexpr double kDay = 86'400;

struct KindRow {
  ThinkKind kind;
  std::string_view name;
  std::size_t numbers;
  std::string_view example;
};

constexpr std::array kKinds{
    KindRow{ThinkKind::Uniform, "uniform", 2, "uniform:2,10"},
    KindRow{ThinkKind::Exponential, "exponential", 1, "exponential:4"},
    KindRow{ThinkKind::Lognormal, "lognormal", 2, "lognormal:4,6"},
};
constexpr KindRow kFixed{ThinkKind::Fixed, "", 1, "4"};

tl::unexpected<Error> wrong(std::string_view text, std::size_t offset, const std::string& what) {
  return fail(ErrorCode::InvalidArgument,
              fmt::format("think time '{}': column {}: {}", text.substr(0, 80), offset + 1, what));
}

}  // namespace

Nanos ThinkTime::draw(Random& random) const {
  double seconds = first;
  switch (kind) {
    case ThinkKind::Fixed:
      break;
    case ThinkKind::Uniform:
      seconds = first + (second - first) * random.uniform();
      break;
    case ThinkKind::Exponential:
      seconds = first * random.exponential();
      break;
    case ThinkKind::Lognormal: {
      const double variation = second / first;
      const double variance = portable_log(1 + variation * variation);
      seconds = first * portable_exp(std::sqrt(variance) * random.normal() - variance / 2);
      break;
    }
  }
  return Nanos(static_cast<std::int64_t>(std::min(seconds, kDay) * 1e9 + 0.5));
}

Result<ThinkTime> parse_think_time(std::string_view text) {
  const auto colon = text.find(':');
  const KindRow* kind = &kFixed;
  std::size_t at = 0;
  if (colon != std::string_view::npos || (!text.empty() && text[0] >= 'a' && text[0] <= 'z')) {
    const std::string_view name = text.substr(0, colon);
    const auto* found = std::find_if(kKinds.begin(), kKinds.end(),
                                     [&](const KindRow& row) { return row.name == name; });
    if (found == kKinds.end()) {
      return wrong(text, 0,
                   fmt::format("expected seconds, uniform:, exponential: or lognormal:, not '{}'",
                               name.substr(0, 40)));
    }
    kind = found;
    at = colon == std::string_view::npos ? text.size() : colon + 1;
  }
  ThinkTime out;
  out.kind = kind->kind;
  for (std::size_t i = 0; i < kind->numbers; ++i) {
    const bool last = i + 1 == kind->numbers;
    const auto comma = text.find(',', at);
    if (last != (comma == std::string_view::npos)) {
      const std::size_t place = comma == std::string_view::npos ? text.size() : comma;
      return wrong(text, place,
                   fmt::format("expected {} number{}: {}", kind->numbers,
                               kind->numbers == 1 ? "" : "s", kind->example));
    }
    const std::string_view piece = text.substr(at, last ? comma : comma - at);
    const auto number = parse_number(piece);
    if (!number || *number < 0 || *number > kDay) {
      return wrong(
          text, at,
          fmt::format("must be seconds from 0 to {}, not '{}'", kDay, piece.substr(0, 40)));
    }
    (i == 0 ? out.first : out.second) = *number;
    if (i == 1 && kind->kind == ThinkKind::Uniform && out.second < out.first) {
      return wrong(text, at, "the most is below the least");
    }
    if (i == 1 && kind->kind == ThinkKind::Lognormal && out.second > 1000 * out.first) {
      return wrong(text, at, "the standard deviation is above 1000 times the mean");
    }
    if (i == 0 && kind->kind == ThinkKind::Lognormal && *number == 0) {
      return wrong(text, at, "the mean must be above 0");
    }
    at += piece.size() + 1;
  }
  return out;
}

std::string to_text(const ThinkTime& think) {
  for (const KindRow& row : kKinds) {
    if (row.kind != think.kind) continue;
    return row.numbers == 1
               ? fmt::format("{}:{}", row.name, shortest(think.first))
               : fmt::format("{}:{},{}", row.name, shortest(think.first), shortest(think.second));
  }
  return shortest(think.first);
}

}  // namespace kneepoint::workload
