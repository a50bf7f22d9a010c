#include "store/migrations.h"

#include <fmt/format.h>

#include <array>

namespace kneepoint::store {
namespace {

constexpr const char* kMigrationTable =
    "CREATE TABLE migration (version INTEGER PRIMARY KEY, sentence TEXT NOT NULL)";

// Version 1. Why it looks like this: docs/decisions/0002-store.md.
// "best_<metric>_<statistic>" is the least value of that latency over the profile's points;
// "complete" has a bit (columns.h) for each latency that every point has. Both serve Query.targets.
// "packed" (packed.h) stands in front because a row's header is read up to the column wanted.
constexpr const char* kLayer = R"(CREATE TABLE layer (
  key INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  rank INTEGER NOT NULL,
  hash TEXT NOT NULL,
  origin TEXT NOT NULL))";

constexpr const char* kProfile = R"(CREATE TABLE profile (
  key INTEGER PRIMARY KEY,
  layer INTEGER NOT NULL,
  packed BYTEA NOT NULL,
  id TEXT NOT NULL,
  series_id TEXT NOT NULL,
  curve_id TEXT NOT NULL,
  model TEXT NOT NULL,
  checkpoint TEXT NOT NULL,
  model_server TEXT NOT NULL,
  model_server_version TEXT NOT NULL,
  container_image TEXT NOT NULL,
  serving_stack TEXT NOT NULL,
  serving_stack_version TEXT NOT NULL,
  accelerator TEXT NOT NULL,
  accelerator_count INTEGER,
  tensor_parallel INTEGER,
  pipeline_parallel INTEGER,
  data_parallel INTEGER,
  expert_parallel INTEGER,
  weight_precision TEXT NOT NULL,
  kv_precision TEXT NOT NULL,
  decoding TEXT NOT NULL,
  speculative_decoding TEXT NOT NULL,
  prefill_workers INTEGER,
  prefill_tensor_parallel INTEGER,
  prefill_expert_parallel INTEGER,
  prefill_attention_dp INTEGER,
  decode_workers INTEGER,
  decode_tensor_parallel INTEGER,
  decode_expert_parallel INTEGER,
  decode_attention_dp INTEGER,
  topology_from TEXT NOT NULL,
  recorded_topology TEXT NOT NULL,
  workload TEXT NOT NULL,
  input_tokens_nominal DOUBLE PRECISION,
  output_tokens_nominal DOUBLE PRECISION,
  input_tokens_mean DOUBLE PRECISION,
  output_tokens_mean DOUBLE PRECISION,
  load_kind TEXT NOT NULL,
  evidence TEXT NOT NULL,
  source TEXT NOT NULL,
  licence TEXT NOT NULL,
  server_settings TEXT NOT NULL,
  flags TEXT NOT NULL,
  point_count INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  best_ttft_mean DOUBLE PRECISION,
  best_ttft_p50 DOUBLE PRECISION,
  best_ttft_p90 DOUBLE PRECISION,
  best_ttft_p99 DOUBLE PRECISION,
  best_tpot_mean DOUBLE PRECISION,
  best_tpot_p50 DOUBLE PRECISION,
  best_tpot_p90 DOUBLE PRECISION,
  best_tpot_p99 DOUBLE PRECISION,
  best_itl_mean DOUBLE PRECISION,
  best_itl_p50 DOUBLE PRECISION,
  best_itl_p90 DOUBLE PRECISION,
  best_itl_p99 DOUBLE PRECISION,
  best_ntpot_mean DOUBLE PRECISION,
  best_ntpot_p50 DOUBLE PRECISION,
  best_ntpot_p90 DOUBLE PRECISION,
  best_ntpot_p99 DOUBLE PRECISION,
  best_e2e_mean DOUBLE PRECISION,
  best_e2e_p50 DOUBLE PRECISION,
  best_e2e_p90 DOUBLE PRECISION,
  best_e2e_p99 DOUBLE PRECISION))";

constexpr const char* kPoint = R"(CREATE TABLE point (
  profile INTEGER NOT NULL,
  number INTEGER NOT NULL,
  load DOUBLE PRECISION,
  requests_per_second DOUBLE PRECISION,
  output_tokens_per_second DOUBLE PRECISION,
  input_tokens_per_second DOUBLE PRECISION,
  ttft_mean_ms DOUBLE PRECISION,
  ttft_p50_ms DOUBLE PRECISION,
  ttft_p90_ms DOUBLE PRECISION,
  ttft_p99_ms DOUBLE PRECISION,
  tpot_mean_ms DOUBLE PRECISION,
  tpot_p50_ms DOUBLE PRECISION,
  tpot_p90_ms DOUBLE PRECISION,
  tpot_p99_ms DOUBLE PRECISION,
  itl_mean_ms DOUBLE PRECISION,
  itl_p50_ms DOUBLE PRECISION,
  itl_p90_ms DOUBLE PRECISION,
  itl_p99_ms DOUBLE PRECISION,
  ntpot_mean_ms DOUBLE PRECISION,
  ntpot_p50_ms DOUBLE PRECISION,
  ntpot_p90_ms DOUBLE PRECISION,
  ntpot_p99_ms DOUBLE PRECISION,
  e2e_mean_ms DOUBLE PRECISION,
  e2e_p50_ms DOUBLE PRECISION,
  e2e_p90_ms DOUBLE PRECISION,
  e2e_p99_ms DOUBLE PRECISION,
  id TEXT NOT NULL,
  request_count DOUBLE PRECISION,
  error_count DOUBLE PRECISION,
  input_tokens_mean DOUBLE PRECISION,
  output_tokens_mean DOUBLE PRECISION,
  measured_on TEXT NOT NULL,
  source_ref TEXT NOT NULL,
  server_settings TEXT NOT NULL,
  derived TEXT NOT NULL,
  flags TEXT NOT NULL))";

// Version 2: what the server said of itself while the point was measured.
constexpr std::array kServerColumns{"running_mean", "running_max",     "waiting_mean",
                                    "waiting_max",  "kv_use_mean",     "kv_use_max",
                                    "preemptions",  "prefix_hit_share"};

// Version 3: what stands behind a prediction, and the band around each of its points.
constexpr std::array kPredictionTexts{"predicted_by", "nearest", "extrapolated"};
constexpr std::array kPredictionErrors{"ttft_error", "tpot_error", "e2e_error"};
constexpr std::array kBandColumns{"ttft_low",  "ttft_high", "tpot_low",
                                  "tpot_high", "e2e_low",   "e2e_high"};

std::vector<std::string> add_prediction_columns() {
  std::vector<std::string> sql;
  for (const char* column : kPredictionTexts) {
    sql.push_back(
        fmt::format("ALTER TABLE profile ADD COLUMN {} TEXT NOT NULL DEFAULT ''", column));
  }
  for (const char* column : kPredictionErrors) {
    sql.push_back(fmt::format("ALTER TABLE profile ADD COLUMN {} DOUBLE PRECISION", column));
  }
  for (const char* column : kBandColumns) {
    sql.push_back(fmt::format("ALTER TABLE point ADD COLUMN {} DOUBLE PRECISION", column));
  }
  return sql;
}

std::vector<std::string> add_server_columns() {
  std::vector<std::string> sql;
  for (const char* column : kServerColumns) {
    sql.push_back(fmt::format("ALTER TABLE point ADD COLUMN {} DOUBLE PRECISION", column));
  }
  return sql;
}

std::string newer(int found, int known) {
  return fmt::format(
      "the store has schema version {} and this build knows versions up to {}: use a newer "
      "Kneepoint, or give another store",
      found, known);
}

Result<int> current_version(SqlSession& session) {
  auto there = session.has_table("migration");
  if (!there) return fail(std::move(there.error()));
  if (!*there) return 0;
  auto statement = session.prepare("SELECT COALESCE(MAX(version), 0) FROM migration");
  if (!statement) return fail(std::move(statement.error()));
  auto row = (*statement)->step();
  if (!row) return fail(std::move(row.error()));
  return static_cast<int>((*statement)->integer(0));
}

Result<void> record(SqlSession& session, const Migration& step) {
  auto insert = session.prepare("INSERT INTO migration (version, sentence) VALUES ($1, $2)");
  if (!insert) return fail(std::move(insert.error()));
  (*insert)->bind(1, std::int64_t{step.version});
  (*insert)->bind(2, step.sentence);
  auto done = (*insert)->step();
  if (!done) return fail(std::move(done.error()));
  return {};
}

Result<void> apply(SqlSession& session, std::span<const Migration> steps, int from) {
  if (from == 0) {
    if (auto ready = session.prepare_empty(); !ready) return ready;
    if (auto made = session.exec(kMigrationTable); !made) return made;
  }
  for (const Migration& step : steps) {
    if (step.version <= from) continue;
    for (const std::string& sql : step.sql) {
      if (auto done = session.exec(sql); !done)
        return fail(std::move(done.error())
                        .during(fmt::format("migrate the store to version {}", step.version)));
    }
    if (auto recorded = record(session, step); !recorded) return recorded;
  }
  return {};
}

}  // namespace

std::span<const Migration> migrations() {
  static const std::vector<Migration> all{
      {1,
       "layers, profiles and their load points",
       {kLayer, kProfile, kPoint, "CREATE UNIQUE INDEX profile_layer_id ON profile (layer, id)",
        "CREATE INDEX profile_id ON profile (id)", "CREATE INDEX profile_model ON profile (model)",
        "CREATE INDEX profile_accelerator ON profile (accelerator)",
        "CREATE UNIQUE INDEX point_profile ON point (profile, number)"}},
      {2, "queue, running requests and KV use of a load point", add_server_columns()},
      {3, "predictions and their bands", add_prediction_columns()},
      {4,
       "a number that every write raises",
       {"CREATE TABLE generation (value BIGINT NOT NULL)", "INSERT INTO generation VALUES (1)"}}};
  return all;
}

Result<int> migrate(SqlSession& session, std::span<const Migration> steps, Access access) {
  const int newest = steps.back().version;
  auto found = current_version(session);
  if (!found) return found;
  if (*found > newest) return fail(ErrorCode::Incompatible, newer(*found, newest));
  if (*found == newest) return newest;
  if (access == Access::Read) {
    if (*found == 0)
      return fail(ErrorCode::NotFound, "the store is empty and was opened only for reading");
    return fail(ErrorCode::Incompatible,
                fmt::format("the store has schema version {} and this build needs {}: open it once "
                            "for writing to bring it up to date",
                            *found, newest));
  }

  auto transaction = SqlTransaction::write(session);
  if (!transaction) return fail(std::move(transaction.error()));
  found = current_version(session);  // another process may have been faster
  if (!found) return found;
  if (*found > newest) return fail(ErrorCode::Incompatible, newer(*found, newest));
  if (auto applied = apply(session, steps, *found); !applied)
    return fail(std::move(applied.error()));
  if (auto committed = transaction->commit(); !committed) return fail(std::move(committed.error()));
  return newest;
}

}  // namespace kneepoint::store
