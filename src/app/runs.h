#pragma once

#include <string>
#include <vector>

#include "app/export_run.h"
#include "app/session.h"

/// The load runs that were kept: folders below Settings::runs_folder.
namespace kneepoint::app {

struct RunSummary {
  std::string id;          // the folder's name
  bool running = false;    // some process is writing it
  std::string started_at;  // UTC, RFC 3339; empty: not stated
  std::string target, model;
  std::size_t points = 0;  // completed
};

/// The newest first. A folder that is no run is left out.
Result<std::vector<RunSummary>> list_runs(const Settings& settings);

/// NotFound: there is no run of that name, or it is no name of one.
Result<RunSummary> find_run(const Settings& settings, const std::string& id);
Result<StoredRun> open_run(const Settings& settings, const std::string& id);

}  // namespace kneepoint::app
