#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "profile/profile.h"

namespace kneepoint::store {

/// A layer of the catalog whose profiles the store holds. Profiles of the user's own (measured,
/// imported) live in the layer "own", which no catalog touches.
struct LayerState {
  std::string name;
  std::string hash;
  std::string origin;   // folder or file it was read from
  int rank = 0;
};
inline constexpr std::string_view kOwnLayer = "own";

/// Which profiles. Empty strings and vectors ask for all.
struct Query {
  std::string model, model_server, model_server_version;  // version empty: any
  std::vector<std::string> accelerators;
  std::string id;
  std::string serving_stack, serving_stack_version, workload;
  std::optional<double> input_tokens, output_tokens;      // within length_tolerance
  double length_tolerance = 0.2;
  std::string decoding;                                   // serving | speculative | disaggregated
  /// Ranking starts in SQL: only profiles with a point at or below each bound are read.
  std::vector<curve::Target> targets;
  curve::StatisticRule statistic_rule = curve::StatisticRule::Closest;
  /// Layers that count now, lowest rank first; a profile id in a higher one hides the lower one's.
  /// "own" always counts and is the highest.
  std::vector<std::string> layers;
};

/// What is read of each profile: Ranking leaves out the texts of evidence (settings, references,
/// derived, per-point flags and ids), which are most of the bytes.
enum class Detail { Ranking, Full };


/// One interface over SQLite and PostgreSQL; one schema, one contract suite.
/// A store object belongs to one thread; readers and a writer may run in separate processes.
class Store {
 public:
  virtual ~Store() = default;

  /// Layers the store holds now.
  virtual Result<std::vector<LayerState>> layers() = 0;

  /// Replaces one layer's profiles in one transaction: all of it or nothing, also under kill -9.
  /// `next` yields profiles until it returns nothing.
  virtual Result<void> replace_layer(
      const LayerState& layer,
      const std::function<Result<std::optional<profile::Profile>>()>& next) = 0;
  virtual Result<void> drop_layer(std::string_view name) = 0;

  /// Adds or replaces one profile of the user's own.
  virtual Result<void> put(const profile::Profile& profile) = 0;
  /// Many in one transaction.
  virtual Result<void> put_all(std::span<const profile::Profile> profiles) = 0;
  virtual Result<bool> remove(std::string_view id) = 0;

  virtual Result<std::vector<profile::Profile>> find(const Query& query, Detail detail) = 0;
  virtual Result<std::optional<profile::Profile>> get(std::string_view id,
                                                      std::span<const std::string> layers) = 0;

  /// Distinct values of one of: model, model_server, model_server_version, accelerator,
  /// serving_stack, workload ... among the profiles of the query.
  virtual Result<std::vector<std::string>> distinct(std::string_view column,
                                                    const Query& query) = 0;

  struct Counts {
    long long profiles = 0, points = 0;
  };
  virtual Result<Counts> counts(std::span<const std::string> layers) = 0;

  /// A consistent copy as a file (SQLite: the file itself; PostgreSQL: an SQLite file too).
  virtual Result<void> backup(const std::filesystem::path& to) = 0;

  virtual int schema_version() const = 0;
  virtual std::string describe() const = 0;  // "SQLite at /home/u/...", "PostgreSQL at host/db"; no password
};

struct OpenOptions {
  bool read_only = false;
  bool create = true;
  std::filesystem::path driver_folder;  // where the database drivers (shared modules) lie
};

/// `where` is a file path (SQLite) or a postgresql:// URL / key=value connection string. The driver
/// is loaded on this call, so a command that needs no store never pays for one.
Result<std::unique_ptr<Store>> open(const std::string& where, const OpenOptions& options);

}  // namespace kneepoint::store
