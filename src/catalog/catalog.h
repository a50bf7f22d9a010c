#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/table.h"
#include "catalog/types.h"

namespace kneepoint::catalog {

/// One set of tables: the shipped file, or a folder of CSV files laid over it.
struct Layer {
  std::string name;  // "shipped", "user", or the overlay's folder as given
  std::filesystem::path origin;
  int rank = 0;      // later layers replace rows of earlier ones by key
  std::string hash;  // of its content; changes when any row changes
};

struct Overlay {
  std::string name;
  std::filesystem::path folder;
};

/// Everything the product knows that is not a measurement of the user's own. Opened once per
/// process, read-only afterwards, free to share between threads.
class Catalog {
 public:
  /// Maps the generated file and lays the overlays over it, in order. A broken overlay row is an
  /// error that names file and line; nothing is skipped silently.
  static Result<Catalog> open(const std::filesystem::path& shipped,
                              std::span<const Overlay> overlays);

  const std::vector<Layer>& layers() const { return layers_; }

  const std::vector<Model>& models() const { return models_; }
  const std::vector<Accelerator>& accelerators() const { return accelerators_; }
  const std::vector<Machine>& machines() const { return machines_; }
  const std::vector<Price>& prices() const { return prices_; }
  const std::vector<Region>& regions() const { return regions_; }
  const std::vector<UseCase>& use_cases() const { return use_cases_; }
  const std::vector<Server>& servers() const { return servers_; }
  const std::vector<ServerVersion>& server_versions() const { return server_versions_; }
  const std::vector<ServerFlag>& server_flags() const { return server_flags_; }
  const std::vector<ServerMetric>& server_metrics() const { return server_metrics_; }
  const std::vector<Source>& sources() const { return sources_; }

  // Nothing when unknown.
  const Model* model(std::string_view id) const;
  const Accelerator* accelerator(std::string_view id) const;
  const Machine* machine(std::string_view provider, std::string_view machine_type) const;
  const Server* server(std::string_view name) const;
  const ServerVersion* server_version(std::string_view server, std::string_view version) const;
  const UseCase* use_case(std::string_view name_or_alias) const;  // case ignored
  const Source* source(std::string_view name) const;

  /// The option of `server` for `purpose` that `version` knows; nothing when that version has none.
  /// An empty or unparsable version counts as newer than all.
  const ServerFlag* flag(std::string_view server, std::string_view version,
                         std::string_view purpose) const;
  /// The series for `signal` in `version`; the newest name where two exist.
  const ServerMetric* metric(std::string_view server, std::string_view version,
                             std::string_view signal) const;

  /// Raw rows of one layer, for what is loaded into the store: "profiles", "points", "ceilings",
  /// "predicted", "predicted_notes".
  const Table* raw(std::size_t layer, std::string_view table) const;

 private:
  friend class Opener;
  std::vector<Layer> layers_;
  std::vector<TableSet> tables_;  // one per layer
  std::vector<Model> models_;
  std::vector<Accelerator> accelerators_;
  std::vector<Machine> machines_;
  std::vector<Price> prices_;
  std::vector<Region> regions_;
  std::vector<UseCase> use_cases_;
  std::vector<Server> servers_;
  std::vector<ServerVersion> server_versions_;
  std::vector<ServerFlag> server_flags_;
  std::vector<ServerMetric> server_metrics_;
  std::vector<Source> sources_;
};

/// Orders "0.9.2" < "0.10.0" < "0.10.0.post1"; a leading v and anything after + or a first letter
/// suffix such as -cu130 is ignored; rc sorts before its release. Nothing when it is no version.
std::optional<int> compare_versions(std::string_view a, std::string_view b);

}  // namespace kneepoint::catalog
