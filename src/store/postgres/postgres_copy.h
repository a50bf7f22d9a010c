#pragma once

#include <libpq-fe.h>

#include <string>

#include "store/sql_session.h"

namespace kneepoint::store {

/// Rows through COPY, gathered as text and sent a few MB at a time: one connection can then fill
/// several tables by turns.
class PostgresCopy final : public SqlBulk {
 public:
  PostgresCopy(PGconn* connection, const std::string& table, std::span<const std::string> columns);

  void add(std::string_view text) override;
  void add(double value) override;
  void add(std::int64_t value) override;
  void add_bytes(std::string_view bytes) override;
  void add_null() override;
  Result<void> end_row() override;
  Result<void> finish() override;

 private:
  void separate();
  Result<void> send();

  PGconn* connection_;
  std::string copy_;
  std::string rows_;
  bool first_ = true;
};

}  // namespace kneepoint::store
