#pragma once

#include <string>

#include "app/campaign.h"
#include "cli/run.h"

namespace kneepoint::cli::bench {

/// A sweep as flags say it, over what is known of the target already.
Result<app::CampaignAsk> sweep_of(Run& run, app::BenchTarget named);
/// What would be measured, and how long it takes.
std::string plan_text(const app::CampaignAsk& ask);

/// `bench sweep --in-cluster`.
Result<void> sweep_in_cluster(Run& run);

}  // namespace kneepoint::cli::bench
