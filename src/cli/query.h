#pragma once

#include "app/profiles.h"
#include "cli/run.h"

/// The flags that profiles list, recommend, benchmarks, plot, explain and manifests share, as the
/// values the verbs take.
namespace kneepoint::cli {

app::Selection selection(const Parsed& args);
/// Targets are on P50, as in the public client.
std::vector<curve::Target> targets(const Parsed& args);
/// The machine type must be one of the catalog, the region one somebody rents in.
Result<recommend::Request> request(Run& run);

/// "prices: spot at gcp; targets on p50": every default that shaped the answer.
std::string assumptions(const Parsed& args, const recommend::Request& request);

}  // namespace kneepoint::cli
