#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "app/session.h"
#include "importers/join.h"

namespace kneepoint::app {

struct ImportQuestion {
  /// Reports of other tools. Of a folder, every .json, .jsonl, .yaml and .yml in it that some tool
  /// wrote; folders in it are not entered.
  std::vector<std::filesystem::path> files;
  /// Reports that are in memory: name and text.
  std::vector<std::pair<std::string, std::string>> texts{};
  importers::Given given;
  importers::Words words{};  // by which the caller gives them
  /// Where a caller reads which accelerators there are.
  const char* accelerators = "`kneepoint accelerators list --all` shows those that are";
  bool dry_run = false;  // the store is not opened
};

struct ImportAnswer {
  std::vector<profile::Profile> profiles;
  std::vector<std::string> notes;  // what was left out, what is not known here
  /// How the tools' definitions differ from ours, for every flag any point has.
  std::vector<importers::Difference> differences;
};

/// Reads all files, or fails and stores nothing. The profiles become the user's own, in one
/// transaction; the same reports again replace themselves.
Result<ImportAnswer> import_reports(Session& session, const ImportQuestion& question);

}  // namespace kneepoint::app
