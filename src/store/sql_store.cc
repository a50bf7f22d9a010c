#include "store/sql_store.h"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "store/backup.h"
#include "store/profile_reader.h"
#include "store/profile_writer.h"

namespace kneepoint::store {
namespace {

constexpr std::int64_t kWalkStep = 2000;  // profiles in memory at once

/// Runs a statement that gives no rows with its values bound in order.
template <class... Values>
Result<void> run(SqlSession& session, const std::string& sql, const Values&... values) {
  auto statement = session.prepare(sql);
  if (!statement) return fail(std::move(statement.error()));
  int placeholder = 0;
  ((*statement)->bind(++placeholder, values), ...);
  auto done = (*statement)->step();
  if (!done) return fail(std::move(done.error()));
  return {};
}

Result<std::array<std::int64_t, 2>> two_numbers(SqlSession& session, const std::string& sql,
                                                const Where& where) {
  auto statement = session.prepare(sql);
  if (!statement) return fail(std::move(statement.error()));
  where.bind(**statement);
  if (auto row = (*statement)->step(); !row) return fail(std::move(row.error()));
  return std::array{(*statement)->integer(0), (*statement)->integer(1)};
}

constexpr std::array kDistinctColumns{
    "model",       "model_server", "model_server_version", "serving_stack", "serving_stack_version",
    "accelerator", "workload",     "weight_precision",     "kv_precision",  "decoding",
    "source",      "evidence"};

}  // namespace

Result<std::unique_ptr<Store>> SqlStore::start(std::unique_ptr<SqlSession> session,
                                               const OpenOptions& options,
                                               std::span<const Migration> steps) {
  auto version = migrate(*session, steps, options.read_only ? Access::Read : Access::Write);
  if (!version) return fail(std::move(version.error()).during(session->describe()));
  return std::unique_ptr<Store>(new SqlStore(std::move(session), options, *version));
}

Result<std::vector<LayerState>> SqlStore::layers() {
  auto rows = read_layers(*session_);
  if (!rows) return fail(std::move(rows.error()));
  std::vector<LayerState> states;
  for (LayerRow& row : *rows) states.push_back(std::move(row.state));
  return states;
}

Result<std::int64_t> SqlStore::generation() {
  if (!read_generation_) {
    auto prepared = session_->prepare("SELECT value FROM generation");
    if (!prepared) return fail(std::move(prepared.error()));
    read_generation_ = std::move(*prepared);
  }
  auto row = read_generation_->step();
  if (!row || !*row) {
    read_generation_.reset();  // a broken connection gets a new statement
    return row ? fail(ErrorCode::Internal, "the store has lost its generation")
               : fail(std::move(row.error()));
  }
  const std::int64_t value = read_generation_->integer(0);
  read_generation_->reset();
  return value;
}

Result<void> SqlStore::commit(SqlTransaction& transaction) {
  auto raised = session_->exec("UPDATE generation SET value = value + 1");
  if (!raised) return raised;
  return transaction.commit();
}

Result<LayerRow> SqlStore::write_layer(const LayerState& layer) {
  auto there = read_layers(*session_);
  if (!there) return fail(std::move(there.error()));
  int last_key = 0;
  for (LayerRow& row : *there) {
    last_key = std::max(last_key, row.key);
    if (row.state.name != layer.name) continue;
    if (auto done =
            run(*session_, "UPDATE layer SET rank = $1, hash = $2, origin = $3 WHERE key = $4",
                std::int64_t{layer.rank}, layer.hash, layer.origin, std::int64_t{row.key});
        !done)
      return fail(std::move(done.error()));
    return std::move(row);
  }
  if (auto done =
          run(*session_,
              "INSERT INTO layer (key, name, rank, hash, origin) VALUES ($1, $2, $3, $4, $5)",
              std::int64_t{last_key + 1}, layer.name, std::int64_t{layer.rank}, layer.hash,
              layer.origin);
      !done)
    return fail(std::move(done.error()));
  return LayerRow{.state = layer, .key = last_key + 1, .has_profiles = false};
}

Result<void> SqlStore::clear_layer(int key) {
  if (auto done =
          run(*session_,
              "DELETE FROM point WHERE profile IN (SELECT key FROM profile WHERE layer = $1)",
              std::int64_t{key});
      !done)
    return done;
  return run(*session_, "DELETE FROM profile WHERE layer = $1", std::int64_t{key});
}

Result<void> SqlStore::replace_profiles(
    const LayerState& layer, const std::function<Result<std::optional<profile::Profile>>()>& next) {
  auto row = write_layer(layer);
  if (!row) return fail(std::move(row.error()));
  if (auto cleared = clear_layer(row->key); !cleared) return cleared;
  auto writer = ProfileWriter::start(*session_, row->key);
  if (!writer) return fail(std::move(writer.error()));
  for (;;) {
    auto profile = next();
    if (!profile) return fail(std::move(profile.error()));
    if (!*profile) return writer->finish();
    if (auto added = writer->add(**profile); !added) return added;
  }
}

Result<void> SqlStore::add_profiles(const LayerRow& layer,
                                    std::span<const profile::Profile> profiles) {
  std::unordered_map<std::string_view, const profile::Profile*> last;
  for (const profile::Profile& profile : profiles) last[profile.id] = &profile;
  auto writer = ProfileWriter::start(*session_, layer.key);
  if (!writer) return fail(std::move(writer.error()));
  for (const profile::Profile& profile : profiles) {
    if (last[profile.id] != &profile) continue;  // the same id again further on
    if (layer.has_profiles) {
      if (auto removed = remove_one(layer.key, profile.id); !removed)
        return fail(std::move(removed.error()));
    }
    if (auto added = writer->add(profile); !added) return added;
  }
  return writer->finish();
}

Result<void> SqlStore::replace_layer(
    const LayerState& layer, const std::function<Result<std::optional<profile::Profile>>()>& next) {
  auto transaction = SqlTransaction::write(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  if (auto replaced = replace_profiles(layer, next); !replaced) return replaced;
  return commit(*transaction);
}

Result<void> SqlStore::put_layers(std::span<const LayerContent> layers) {
  auto transaction = SqlTransaction::write(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  for (const LayerContent& content : layers) {
    auto row = write_layer(content.layer);
    if (!row) return fail(std::move(row.error()));
    if (content.replace) {
      if (auto cleared = clear_layer(row->key); !cleared) return cleared;
      row->has_profiles = false;
    }
    if (auto added = add_profiles(*row, content.profiles); !added) return added;
  }
  return commit(*transaction);
}

Result<void> SqlStore::drop_layer(std::string_view name) {
  auto transaction = SqlTransaction::write(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto there = read_layers(*session_);
  if (!there) return fail(std::move(there.error()));
  for (const LayerRow& layer : *there) {
    if (layer.state.name != name) continue;
    if (auto cleared = clear_layer(layer.key); !cleared) return cleared;
    if (auto done = run(*session_, "DELETE FROM layer WHERE key = $1", std::int64_t{layer.key});
        !done)
      return done;
  }
  return commit(*transaction);
}

Result<void> SqlStore::put(const profile::Profile& profile) { return put_all({&profile, 1}); }

Result<void> SqlStore::put_all(std::span<const profile::Profile> profiles) {
  auto transaction = SqlTransaction::write(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto own = write_layer(own_layer());
  if (!own) return fail(std::move(own.error()));
  if (auto added = add_profiles(*own, profiles); !added) return added;
  return commit(*transaction);
}

Result<bool> SqlStore::remove_one(int layer_key, std::string_view id) {
  auto found = session_->prepare("SELECT key FROM profile WHERE layer = $1 AND id = $2");
  if (!found) return fail(std::move(found.error()));
  (*found)->bind(1, std::int64_t{layer_key});
  (*found)->bind(2, id);
  auto there = (*found)->step();
  if (!there || !*there) return there;
  const std::int64_t key = (*found)->integer(0);
  (*found)->reset();
  if (auto done = run(*session_, "DELETE FROM point WHERE profile = $1", key); !done)
    return fail(std::move(done.error()));
  if (auto done = run(*session_, "DELETE FROM profile WHERE key = $1", key); !done)
    return fail(std::move(done.error()));
  return true;
}

Result<bool> SqlStore::remove(std::string_view id) {
  auto transaction = SqlTransaction::write(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto own = write_layer(own_layer());
  if (!own) return fail(std::move(own.error()));
  auto removed = remove_one(own->key, id);
  if (!removed) return removed;
  if (auto committed = commit(*transaction); !committed) return fail(std::move(committed.error()));
  return removed;
}

Result<profile::Ranking> SqlStore::rank(const Query& query) {
  auto transaction = SqlTransaction::read(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto all = read_layers(*session_);
  if (!all) return fail(std::move(all.error()));
  return read_ranking(*session_, where(query, *all), query.metrics, *all);
}

Result<std::vector<profile::Profile>> SqlStore::find(const Query& query, Detail detail) {
  if (detail == Detail::Ranking) {
    auto ranking = rank(query);
    if (!ranking) return fail(std::move(ranking.error()));
    std::vector<profile::Profile> profiles;
    profiles.reserve(ranking->rows().size());
    for (const profile::RankingRow& row : ranking->rows())
      profiles.push_back(profile::to_profile(row));
    return profiles;
  }
  auto transaction = SqlTransaction::read(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto all = read_layers(*session_);
  if (!all) return fail(std::move(all.error()));
  return read_full(*session_, where(query, *all), *all);
}

Result<std::optional<profile::Profile>> SqlStore::get(std::string_view id,
                                                      std::span<const std::string> layers) {
  Query query;
  query.id = id;
  query.layers.assign(layers.begin(), layers.end());
  if (id.empty()) return std::nullopt;
  auto found = find(query, Detail::Full);
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

Result<std::vector<std::string>> SqlStore::distinct(std::string_view column, const Query& query) {
  const auto known = std::ranges::find(kDistinctColumns, column);
  if (known == kDistinctColumns.end())
    return fail(ErrorCode::InvalidArgument,
                "profiles have no column '" + std::string(column) + "' to list the values of");
  auto transaction = SqlTransaction::read(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto all = read_layers(*session_);
  if (!all) return fail(std::move(all.error()));
  const Where conditions = where(query, *all);
  auto rows = session_->prepare("SELECT DISTINCT p." + std::string(*known) + " FROM profile p " +
                                conditions.sql);
  if (!rows) return fail(std::move(rows.error()));
  conditions.bind(**rows);
  std::vector<std::string> values;
  for (;;) {
    auto row = (*rows)->step();
    if (!row) return fail(std::move(row.error()));
    if (!*row) break;
    values.emplace_back((*rows)->text(0));
  }
  std::ranges::sort(values);  // by bytes, whatever the database's collation
  return values;
}

Result<Store::Counts> SqlStore::counts(std::span<const std::string> layers) {
  auto transaction = SqlTransaction::read(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto all = read_layers(*session_);
  if (!all) return fail(std::move(all.error()));
  Query query;
  query.layers.assign(layers.begin(), layers.end());
  const Where conditions = where(query, *all);
  auto counted = two_numbers(
      *session_,
      "SELECT COUNT(*), COALESCE(SUM(p.point_count), 0) FROM profile p " + conditions.sql,
      conditions);
  if (!counted) return fail(std::move(counted.error()));
  return Counts{.profiles = (*counted)[0], .points = (*counted)[1]};
}

Result<void> SqlStore::walk_layer(const LayerRow& layer, const std::vector<LayerRow>& all,
                                  const Visit& each) {
  const Where whole{"WHERE p.layer = $1", {std::int64_t{layer.key}}};
  auto ends = two_numbers(
      *session_,
      "SELECT COALESCE(MIN(p.key), 0), COALESCE(MAX(p.key), 0) FROM profile p " + whole.sql, whole);
  if (!ends) return fail(std::move(ends.error()));
  for (std::int64_t from = (*ends)[0]; from != 0 && from <= (*ends)[1]; from += kWalkStep) {
    const Where part{"WHERE p.key >= $1 AND p.key < $2 AND +p.layer = $3",
                     {from, from + kWalkStep, std::int64_t{layer.key}}};
    auto profiles = read_full(*session_, part, all);
    if (!profiles) return fail(std::move(profiles.error()));
    for (profile::Profile& profile : *profiles)
      if (auto seen = each(layer.state, std::move(profile)); !seen) return seen;
  }
  return {};
}

Result<void> SqlStore::walk(std::span<const std::string> layers, const Visit& each) {
  auto transaction = SqlTransaction::read(*session_);
  if (!transaction) return fail(std::move(transaction.error()));
  auto all = read_layers(*session_);
  if (!all) return fail(std::move(all.error()));
  for (const LayerRow& layer : *all) {
    if (!layers.empty() && std::ranges::find(layers, layer.state.name) == layers.end()) continue;
    if (auto walked = walk_layer(layer, *all, each); !walked) return walked;
  }
  return {};
}

Result<void> SqlStore::backup(const std::filesystem::path& to) {
  return write_backup(*this, *session_, options_, to);
}

}  // namespace kneepoint::store
