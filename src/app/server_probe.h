#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "loadgen/target.h"
#include "scrape/detect.h"
#include "scrape/signal_map.h"

namespace kneepoint::app {

/// What a server lets be known before it is loaded.
struct ServerFacts {
  /// Nothing when neither the user nor the server said.
  std::optional<scrape::Identity> identity;
  std::string metrics_path;                  // the whole path
  std::optional<scrape::SignalMap> signals;  // with which its metrics can be read
  std::vector<std::string> notes;            // what is missing and what follows from it
};

/// Asks the server for its metrics page and who it is, a few requests with a bound on each. Never
/// an error for what the server does or does not say. `server` and `version`: as the user says it,
/// empty where the server is to be asked.
Result<ServerFacts> probe_server(const loadgen::Target& target, const catalog::Catalog& catalog,
                                 std::string_view server, std::string_view version);

}  // namespace kneepoint::app
