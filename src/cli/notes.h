#pragma once

#include "cli/run.h"
#include "recommend/recommend.h"

/// What goes to standard error beside an answer.
namespace kneepoint::cli {

/// When nothing meets the targets: which values can be had.
void note_ranges(Run& run, const recommend::Recommendation& result);
/// Each thing left out with its reason code.
void note_rejected(Run& run, const recommend::Recommendation& result);

}  // namespace kneepoint::cli
