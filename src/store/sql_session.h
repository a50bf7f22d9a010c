#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

/// The thin layer between the store and a database: what differs between SQLite and PostgreSQL and
/// nothing else. The store's SQL is written once on top, in the part of the language both speak:
/// placeholders $1.., types INTEGER, BIGINT, DOUBLE PRECISION, TEXT, BYTEA.
namespace kneepoint::store {

/// A prepared statement. Views handed to bind() must live until the next step(); views handed out
/// by text() and bytes() live until the next step() or reset().
class SqlStatement {
 public:
  virtual ~SqlStatement() = default;

  /// Placeholders count from 1.
  virtual void bind(int placeholder, std::string_view text) = 0;
  virtual void bind(int placeholder, double value) = 0;  // NaN is NULL
  virtual void bind(int placeholder, std::int64_t value) = 0;

  /// True: a row is there to read. False: done; the statement may be bound and stepped anew.
  virtual Result<bool> step() = 0;
  /// Ends a walk before its last row.
  virtual void reset() = 0;

  /// Columns count from 0.
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;  // NULL is NaN
  virtual std::string_view text(int column) const = 0;
  virtual std::string_view bytes(int column) const = 0;
};

/// Rows into one table at the fastest way the database has. Values come in the order of the
/// columns; nothing is certain to be there before finish().
class SqlBulk {
 public:
  virtual ~SqlBulk() = default;
  virtual void add(std::string_view text) = 0;
  virtual void add(double value) = 0;  // NaN is NULL
  virtual void add(std::int64_t value) = 0;
  virtual void add_bytes(std::string_view bytes) = 0;
  virtual void add_null() = 0;
  virtual Result<void> end_row() = 0;
  virtual Result<void> finish() = 0;
};

/// One connection. Messages of its errors say what to do and hold no password.
class SqlSession {
 public:
  virtual ~SqlSession() = default;

  /// One or more statements without results.
  virtual Result<void> exec(const std::string& sql) = 0;
  virtual Result<std::unique_ptr<SqlStatement>> prepare(const std::string& sql) = 0;
  virtual Result<std::unique_ptr<SqlBulk>> bulk(const std::string& table,
                                                std::span<const std::string> columns) = 0;

  /// A consistent view for several statements.
  virtual Result<void> begin_read() = 0;
  /// The only writer until commit or rollback; waits some seconds for another one.
  virtual Result<void> begin_write() = 0;
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;

  virtual Result<bool> has_table(std::string_view name) = 0;
  /// Inside the transaction that makes the first table: what must be there before it.
  virtual Result<void> prepare_empty() = 0;

  /// Copies the whole database to a file the SQLite driver can open. False: not a database of
  /// files.
  virtual Result<bool> copy_to(const std::filesystem::path& file) = 0;

  virtual std::string describe() const = 0;
};

/// Ends a transaction on every way out: rolls back unless commit() was called.
class SqlTransaction {
 public:
  static Result<SqlTransaction> read(SqlSession& session) {
    if (auto begun = session.begin_read(); !begun) return fail(std::move(begun.error()));
    return SqlTransaction(session);
  }
  static Result<SqlTransaction> write(SqlSession& session) {
    if (auto begun = session.begin_write(); !begun) return fail(std::move(begun.error()));
    return SqlTransaction(session);
  }
  SqlTransaction(SqlTransaction&& other) noexcept
      : session_(std::exchange(other.session_, nullptr)) {}
  SqlTransaction& operator=(SqlTransaction&&) = delete;
  ~SqlTransaction() {
    if (session_) session_->rollback();
  }
  Result<void> commit() {
    auto committed = session_->commit();
    if (committed) session_ = nullptr;
    return committed;
  }

 private:
  explicit SqlTransaction(SqlSession& session) : session_(&session) {}
  SqlSession* session_;
};

}  // namespace kneepoint::store
