#include <libpq-fe.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <vector>

#include "store/driver.h"
#include "store/postgres/connect.h"
#include "store/postgres/postgres_copy.h"
#include "store/postgres/postgres_error.h"
#include "store/store.h"

namespace kneepoint::store {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// Types by their object id, which PostgreSQL never changes (pg_type.dat).
constexpr Oid kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat8 = 701;

/// Holds writers apart for the length of a transaction: "knee" and "poin" as two numbers.
constexpr const char* kWriterLock = "SELECT pg_advisory_xact_lock(1802396005, 1886350702)";

template <class Int>
Int from_network(const char* bytes) {
  Int value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Int>(value << 8 | static_cast<unsigned char>(bytes[i]));
  return value;
}

template <class Number>
std::string text_of(Number value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

/// Runs on the first step and holds all rows, asked for in binary: figures need no parsing and the
/// packed bytes come as they are.
class PostgresStatement final : public SqlStatement {
 public:
  PostgresStatement(PGconn* connection, std::string sql)
      : connection_(connection), sql_(std::move(sql)) {}

  void bind(int placeholder, std::string_view text) override { set(placeholder) = text; }
  void bind(int placeholder, double value) override {
    if (value == value)
      set(placeholder) = text_of(value);
    else
      at(placeholder).null = true;
  }
  void bind(int placeholder, std::int64_t value) override { set(placeholder) = text_of(value); }

  Result<bool> step() override {
    if (!result_) {
      if (auto ran = run(); !ran) return fail(std::move(ran.error()));
    } else {
      ++row_;
    }
    if (row_ < PQntuples(result_.get())) return true;
    reset();
    return false;
  }
  void reset() override {
    result_.reset();
    row_ = 0;
  }

  bool is_null(int column) const override { return PQgetisnull(result_.get(), row_, column); }
  std::int64_t integer(int column) const override {
    if (is_null(column)) return 0;
    const char* bytes = PQgetvalue(result_.get(), row_, column);
    switch (PQftype(result_.get(), column)) {
      case kInt8:
        return static_cast<std::int64_t>(from_network<std::uint64_t>(bytes));
      case kInt4:
        return static_cast<std::int32_t>(from_network<std::uint32_t>(bytes));
      case kInt2:
        return static_cast<std::int16_t>(from_network<std::uint16_t>(bytes));
      case kBool:
        return bytes[0];
      default:
        return 0;
    }
  }
  double real(int column) const override {
    if (is_null(column)) return kMissing;
    if (PQftype(result_.get(), column) != kFloat8) return static_cast<double>(integer(column));
    return std::bit_cast<double>(
        from_network<std::uint64_t>(PQgetvalue(result_.get(), row_, column)));
  }
  std::string_view text(int column) const override { return bytes(column); }
  std::string_view bytes(int column) const override {
    return {PQgetvalue(result_.get(), row_, column),
            static_cast<std::size_t>(PQgetlength(result_.get(), row_, column))};
  }

 private:
  struct Value {
    std::string text;
    bool null = false;
  };
  Value& at(int placeholder) {
    const auto number = static_cast<std::size_t>(placeholder);
    if (values_.size() < number) values_.resize(number);
    return values_[number - 1];
  }
  std::string& set(int placeholder) {
    at(placeholder).null = false;
    return at(placeholder).text;
  }
  Result<void> run() {
    std::vector<const char*> values;
    for (const Value& value : values_) values.push_back(value.null ? nullptr : value.text.c_str());
    result_.reset(PQexecParams(connection_, sql_.c_str(), static_cast<int>(values.size()), nullptr,
                               values.data(), nullptr, nullptr, /*binary results*/ 1));
    row_ = 0;
    const ExecStatusType status = PQresultStatus(result_.get());
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return {};
    Error error = postgres_error(connection_, result_.get());
    result_.reset();
    return fail(std::move(error));
  }

  PGconn* connection_;
  std::string sql_;
  std::vector<Value> values_;
  PostgresResult result_;
  int row_ = 0;
};

class PostgresSession final : public SqlSession {
 public:
  explicit PostgresSession(PostgresConnection connection) : connection_(std::move(connection)) {}

  Result<void> exec(const std::string& sql) override {
    const PostgresResult result(PQexec(connection_.get(), sql.c_str()));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return {};
    return fail(postgres_error(connection_.get(), result.get()));
  }

  Result<std::unique_ptr<SqlStatement>> prepare(const std::string& sql) override {
    return std::make_unique<PostgresStatement>(connection_.get(), sql);
  }
  Result<std::unique_ptr<SqlBulk>> bulk(const std::string& table,
                                        std::span<const std::string> columns) override {
    return std::make_unique<PostgresCopy>(connection_.get(), table, columns);
  }

  Result<void> begin_read() override {
    return exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }
  Result<void> begin_write() override {
    if (auto begun = exec("BEGIN"); !begun) return begun;
    auto locked = exec(kWriterLock);
    if (!locked) rollback();
    return locked;
  }
  Result<void> commit() override { return exec("COMMIT"); }
  void rollback() override { const PostgresResult ignored(PQexec(connection_.get(), "ROLLBACK")); }

  Result<bool> has_table(std::string_view name) override {
    PostgresStatement find(connection_.get(),
                           "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'kneepoint' AND "
                           "tablename = $1");
    find.bind(1, name);
    return find.step();
  }
  Result<void> prepare_empty() override { return exec("CREATE SCHEMA IF NOT EXISTS kneepoint"); }
  Result<bool> copy_to(const std::filesystem::path&) override { return false; }

  std::string describe() const override {
    const char* host = PQhost(connection_.get());
    const char* port = PQport(connection_.get());
    const char* database = PQdb(connection_.get());
    std::string where = host ? host : "";
    if (port && *port) where += std::string(":") + port;
    return "PostgreSQL at " + where + "/" + (database ? database : "");
  }

 private:
  PostgresConnection connection_;
};

Result<std::unique_ptr<SqlSession>> open_postgres(const std::string& where,
                                                  const OpenOptions& options) {
  auto connection = connect_postgres(where);
  if (!connection) return fail(std::move(connection.error()));
  PQsetNoticeProcessor(connection->get(), [](void*, const char*) {}, nullptr);
  auto session = std::make_unique<PostgresSession>(std::move(*connection));
  std::string setup = "SET search_path TO kneepoint; SET lock_timeout TO '5s'";
  if (options.read_only) setup += "; SET default_transaction_read_only TO on";
  if (auto set = session->exec(setup); !set) return fail(std::move(set.error()));
  return session;
}

}  // namespace
}  // namespace kneepoint::store

KNEEPOINT_STORE_DRIVER(kneepoint::store::open_postgres);
