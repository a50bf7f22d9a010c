#pragma once

#include "store/migrations.h"
#include "store/sql_session.h"
#include "store/store.h"
#include "store/where.h"

namespace kneepoint::store {

/// The store on any database that has a SqlSession. Every call is one transaction.
class SqlStore final : public Store {
 public:
  /// Brings the database to the last of `steps` first (or, reading only, checks that it is there).
  static Result<std::unique_ptr<Store>> start(std::unique_ptr<SqlSession> session,
                                              const OpenOptions& options,
                                              std::span<const Migration> steps = migrations());

  Result<std::vector<LayerState>> layers() override;
  Result<void> replace_layer(
      const LayerState& layer,
      const std::function<Result<std::optional<profile::Profile>>()>& next) override;
  Result<void> drop_layer(std::string_view name) override;
  Result<void> put(const profile::Profile& profile) override;
  Result<void> put_all(std::span<const profile::Profile> profiles) override;
  Result<void> put_layers(std::span<const LayerContent> layers) override;
  Result<bool> remove(std::string_view id) override;
  Result<std::vector<profile::Profile>> find(const Query& query, Detail detail) override;
  Result<profile::Ranking> rank(const Query& query) override;
  Result<std::optional<profile::Profile>> get(std::string_view id,
                                              std::span<const std::string> layers) override;
  Result<std::vector<std::string>> distinct(std::string_view column, const Query& query) override;
  Result<Counts> counts(std::span<const std::string> layers) override;
  Result<void> walk(std::span<const std::string> layers, const Visit& each) override;
  Result<void> backup(const std::filesystem::path& to) override;
  Result<std::int64_t> generation() override;
  int schema_version() const override { return version_; }
  std::string describe() const override { return session_->describe(); }

 private:
  SqlStore(std::unique_ptr<SqlSession> session, OpenOptions options, int version)
      : session_(std::move(session)), options_(std::move(options)), version_(version) {}

  // The parts of a write transaction.
  Result<void> commit(SqlTransaction& transaction);       // and raises the generation
  Result<LayerRow> write_layer(const LayerState& layer);  // made or brought up to date
  Result<void> replace_profiles(
      const LayerState& layer,
      const std::function<Result<std::optional<profile::Profile>>()>& next);
  Result<void> add_profiles(const LayerRow& layer, std::span<const profile::Profile> profiles);
  Result<void> clear_layer(int key);
  Result<bool> remove_one(int layer_key, std::string_view id);
  Result<void> walk_layer(const LayerRow& layer, const std::vector<LayerRow>& all,
                          const Visit& each);

  std::unique_ptr<SqlSession> session_;
  std::unique_ptr<SqlStatement> read_generation_;
  OpenOptions options_;
  int version_;
};

}  // namespace kneepoint::store
