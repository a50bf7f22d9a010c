#pragma once

#include <string>
#include <vector>

#include "metrics/server_signals.h"
#include "metrics/summary.h"

namespace kneepoint::scrape {

/// Where client and server tell different stories of the same window, one sentence each with both
/// figures and the likely causes. Means that differ by at most a fifth, or by 5 ms (1 ms for times
/// per token), agree; token rates by a fifth, or
/// by what comes in the two seconds by which the two counts may be apart. What either side does not
/// tell is not compared.
std::vector<std::string> disagreements(const metrics::Summary& client,
                                       const metrics::ServerSignals& server);

}  // namespace kneepoint::scrape
