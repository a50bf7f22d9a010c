#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "manifest/manifest.h"

namespace kneepoint::app {

/// What was left as it is.
struct FolderReport {
  std::vector<std::string> kept;   // below overlays/: edited since we wrote them
  std::vector<std::string> stale;  // written by an earlier run, not part of this set
};

/// Writes a set below a folder that may hold an earlier one. A file that somebody edited is never
/// lost in silence: below overlays/ it stays, as those are for edits; elsewhere nothing at all is
/// written and the error names each (Conflict), unless `force`. Edited is what differs from the
/// hash that we kept in .kneepoint.json when we wrote it; a file we have no hash of and that
/// differs is taken for edited.
Result<FolderReport> write_folder(const std::filesystem::path& folder,
                                  const std::vector<manifest::File>& files, bool force);

}  // namespace kneepoint::app
