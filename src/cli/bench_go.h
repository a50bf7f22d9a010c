#pragma once

#include "app/campaign.h"
#include "cli/run.h"

namespace kneepoint::cli::bench {

/// Runs what is left of a campaign and tells of it: table or report, knee, profile. Without a
/// directory nothing is kept.
Result<void> go_on(Run& run, const app::CampaignAsk& ask, run::Directory* directory);

/// Tells of a run that has gone as far as it goes.
Result<void> tell(Run& run, const app::CampaignAsk& ask, const app::CampaignResult& result,
                  const run::Directory* directory);

/// Goes on and prints for those who follow a pod's log, and nothing else. Ends well only when the
/// run has: a Job tries again otherwise.
Result<void> stream(Run& run, const app::CampaignAsk& ask, run::Directory& directory);

/// The folder that --run names, or one of its own.
Result<std::filesystem::path> runs_folder(Run& run);

/// Makes the run directory the flags name, or one of its own, and goes on.
Result<void> start(Run& run, const app::CampaignAsk& ask);

}  // namespace kneepoint::cli::bench
