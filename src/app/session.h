#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/date.h"
#include "base/result.h"
#include "catalog/catalog.h"
#include "store/store.h"

namespace kneepoint::app {

/// Where things are; the program fills it from flags and environment.
struct Settings {
  std::filesystem::path shipped_catalog;        // the generated file
  std::filesystem::path user_folder;            // the user's own catalog rows; may not exist
  std::vector<std::filesystem::path> overlays;  // --catalog, lowest first
  std::string store;                            // file or connection string
  std::filesystem::path driver_folder;          // of store drivers and the TLS module
  std::filesystem::path runs_folder;            // where load runs are kept
  Date today{};
  /// Asked by refresh() what day it is; empty: `today` stays.
  std::function<Date()> clock{};
  std::string version{};  // of the program, for those who ask a server
  /// What those who ask a server may have done at all, whoever they are.
  struct Allowed {
    bool write = true, deploy = false;
  } allowed{};
  std::string kubeconfig{}, kube_context{};          // of deployments; empty: as kubectl finds them
  std::function<void(std::string_view)> progress{};  // long work says what it does; may be empty
};

/// One run of the program: the catalog with its overlays and, when a verb asks for it, the store
/// brought up to date with them. Verbs take a Session; it is used by one thread.
class Session {
 public:
  static Result<std::unique_ptr<Session>> open(Settings settings);

  /// For a program that goes on: true when the catalog's files or the day changed since they were
  /// read, and were read anew. Costs a look at the folders of the overlays. An error leaves what
  /// was there.
  Result<bool> refresh();

  /// Changes whenever the answer to a question may: with the catalog, the day, and every write to
  /// the store, whoever wrote.
  Result<std::string> state();

  const catalog::Catalog& catalog() const { return catalog_; }
  const Settings& settings() const { return settings_; }

  /// Opened on the first call. Layers of the catalog that changed since they were last applied are
  /// applied now, each in one transaction. A read-only store that is up to date serves as it is.
  Result<store::Store*> store();

  /// Layers whose profiles count, lowest first: predictions, then the catalog's.
  const std::vector<std::string>& layers() const { return layers_; }

 private:
  Session(Settings settings, catalog::Catalog catalog);
  Result<void> apply_layers();
  Result<void> drop_stale_predictions(const std::vector<store::LayerState>& held);
  Result<void> apply(const store::LayerState& layer,
                     const std::function<Result<std::optional<profile::Profile>>()>& next);

  Settings settings_;
  catalog::Catalog catalog_;
  std::vector<std::string> layers_;
  std::string overlays_seen_;  // names, sizes and times of the overlays' files
  std::unique_ptr<store::Store> store_;
  bool read_only_ = false;
};

}  // namespace kneepoint::app
