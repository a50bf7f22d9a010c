#pragma once

#include "app/campaign.h"
#include "cli/run.h"

namespace kneepoint::cli::bench {

/// Runs what is left of a campaign and tells of it: table or report, knee, profile. Without a
/// directory nothing is kept.
Result<void> go_on(Run& run, const app::CampaignAsk& ask, run::Directory* directory);

/// Makes the run directory the flags name, or one of its own, and goes on.
Result<void> start(Run& run, const app::CampaignAsk& ask);

}  // namespace kneepoint::cli::bench
