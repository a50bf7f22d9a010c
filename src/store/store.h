#pragma once

#include <cstdint>
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
#include "profile/ranking.h"

namespace kneepoint::store {

/// A layer of the catalog whose profiles the store holds. Profiles of the user's own (measured,
/// imported) live in the layer "own", which no catalog touches.
struct LayerState {
  std::string name;
  std::string hash;
  std::string origin;  // folder or file it was read from
  int rank = 0;
};
inline constexpr std::string_view kOwnLayer = "own";
/// Layers of predictions: the ones that ship, and the ones this user made, above them. Ids of
/// predicted profiles are hashes under a prefix of their own, so only predictions hide predictions.
inline constexpr std::string_view kPredictedLayer = "predicted";
inline constexpr std::string_view kOwnPredictedLayer = "predicted-own";
inline bool is_predicted_layer(std::string_view name) { return name.starts_with(kPredictedLayer); }
/// The layer of the user's own as a store keeps it: above every other.
LayerState own_layer();

struct LayerContent {
  LayerState layer;
  std::vector<profile::Profile> profiles;
  bool replace = true;  // false: added to what the layer holds, id by id
};

/// Which profiles. Empty strings and vectors ask for all.
struct Query {
  std::string model, model_server, model_server_version;  // version empty: any
  std::vector<std::string> accelerators;
  std::string id;
  std::string serving_stack, serving_stack_version, workload;
  /// The workload's mean or nominal length lies within length_tolerance of these.
  std::optional<double> input_tokens, output_tokens;
  double length_tolerance = 0.2;
  std::string decoding;  // serving | speculative | disaggregated
  std::vector<profile::EvidenceKind> evidence;
  /// Ranking starts in SQL: a profile none of whose points can hold a bound is not read. What comes
  /// back may still miss a target (points past the knee, bounds met at different loads):
  /// curve::find_operating_point decides.
  std::vector<curve::Target> targets;
  curve::StatisticRule statistic_rule = curve::StatisticRule::Closest;
  /// Ranking reads only these latencies of the points; empty: all.
  std::vector<metrics::Metric> metrics;
  /// Layers that count now, lowest rank first; a profile id in a higher one hides the lower one's.
  /// "own" always counts and is the highest. Empty: every layer in the store, by its rank.
  std::vector<std::string> layers;
};

/// What is read of each profile: Ranking leaves out the texts of evidence (settings, references,
/// derived columns, per-point ids and means), which are most of the bytes. The flags of all points
/// stand at the first one, so profile::flags_of is the same for both.
enum class Detail { Ranking, Full };

/// One interface over SQLite and PostgreSQL; one schema, one contract suite (docs/store.md).
/// A store object belongs to one thread; readers and a writer may run in separate processes, and a
/// reader sees the store as it was when its call began. Lists come in the order of writing.
class Store {
 public:
  virtual ~Store() = default;

  /// Layers the store holds now, lowest rank first.
  virtual Result<std::vector<LayerState>> layers() = 0;

  /// Replaces one layer's profiles in one transaction: all of it or nothing, also under kill -9.
  /// `next` yields profiles until it returns nothing; an error from it leaves the old content.
  virtual Result<void> replace_layer(
      const LayerState& layer,
      const std::function<Result<std::optional<profile::Profile>>()>& next) = 0;
  virtual Result<void> drop_layer(std::string_view name) = 0;

  /// Adds or replaces one profile of the user's own.
  virtual Result<void> put(const profile::Profile& profile) = 0;
  /// Many in one transaction.
  virtual Result<void> put_all(std::span<const profile::Profile> profiles) = 0;
  /// Several layers in one transaction.
  virtual Result<void> put_layers(std::span<const LayerContent> layers) = 0;
  /// Removes one of the user's own; false when there is none.
  virtual Result<bool> remove(std::string_view id) = 0;

  virtual Result<std::vector<profile::Profile>> find(const Query& query, Detail detail) = 0;
  /// The same profiles as find(query, Detail::Ranking), several times faster: no strings of their
  /// own. Use it wherever thousands are looked at to show a few.
  virtual Result<profile::Ranking> rank(const Query& query) = 0;
  virtual Result<std::optional<profile::Profile>> get(std::string_view id,
                                                      std::span<const std::string> layers) = 0;

  /// Distinct values, sorted, of one text column of the profiles of the query: model, model_server,
  /// model_server_version, serving_stack, serving_stack_version, accelerator, workload,
  /// weight_precision, kv_precision, decoding, source, evidence.
  virtual Result<std::vector<std::string>> distinct(std::string_view column,
                                                    const Query& query) = 0;

  struct Counts {
    long long profiles = 0, points = 0;
  };
  /// Of what a query with these layers would see.
  virtual Result<Counts> counts(std::span<const std::string> layers) = 0;

  /// Every profile of the layers named (none: all layers), hidden or not, layer by layer in one
  /// consistent view. `each` must not use this store; its error ends the walk.
  using Visit = std::function<Result<void>(const LayerState&, profile::Profile)>;
  virtual Result<void> walk(std::span<const std::string> layers, const Visit& each) = 0;

  /// A consistent copy as an SQLite file that appears whole or not at all.
  virtual Result<void> backup(const std::filesystem::path& to) = 0;

  /// A number that every write raises, whoever wrote: what was read at one generation is still so
  /// at the same one. Some microseconds on SQLite, a round trip on PostgreSQL.
  virtual Result<std::int64_t> generation() = 0;

  virtual int schema_version() const = 0;
  virtual std::string describe()
      const = 0;  // "SQLite at /home/u/...", "PostgreSQL at host/db"; no password
};

struct OpenOptions {
  bool read_only = false;
  bool create = true;
  std::filesystem::path driver_folder;  // where the database drivers (shared modules) lie
};

/// `where` is a file path (SQLite) or a postgresql:// URL / key=value connection string. The driver
/// is loaded on this call, so a command that needs no store never pays for one.
Result<std::unique_ptr<Store>> open(const std::string& where, const OpenOptions& options);

/// Whether `where` names a PostgreSQL database; otherwise it is a path.
bool is_postgres(std::string_view where);

}  // namespace kneepoint::store
