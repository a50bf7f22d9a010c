#include "cli/notes.h"

#include <fmt/format.h>

#include <cmath>

#include "base/text.h"

namespace kneepoint::cli {

void note_ranges(Run& run, const recommend::Recommendation& result) {
  if (result.ranges.empty()) return;
  run.note("no profile meets the targets; reachable at or below the knee are:");
  for (const auto& range : result.ranges) {
    run.note(fmt::format("  {} {} to {} ms", metrics::label(range.metric),
                         shortest(std::round(range.min_ms * 10) / 10),
                         shortest(std::round(range.max_ms * 10) / 10)));
  }
  if (!metrics::is_missing(result.output_tokens_per_second.min)) {
    run.note(fmt::format("  output tokens/s {} to {}",
                         fixed(result.output_tokens_per_second.min, 0),
                         fixed(result.output_tokens_per_second.max, 0)));
  }
}

void note_rejected(Run& run, const recommend::Recommendation& result) {
  for (const recommend::Rejected& rejected : result.rejected) {
    run.note(
        fmt::format("left out: {} {}{}: {}", recommend::code(rejected.reason), rejected.accelerator,
                    rejected.profile.empty() ? "" : " " + rejected.profile, rejected.sentence));
  }
}

}  // namespace kneepoint::cli
