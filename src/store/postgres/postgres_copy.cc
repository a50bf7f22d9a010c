#include "store/postgres/postgres_copy.h"

#include <array>
#include <charconv>

#include "store/postgres/connect.h"
#include "store/postgres/postgres_error.h"

namespace kneepoint::store {
namespace {

constexpr std::size_t kSendAt = 4 << 20;

template <class Number>
void append_number(std::string& to, Number value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  to.append(digits.data(), end);
}

}  // namespace

PostgresCopy::PostgresCopy(PGconn* connection, const std::string& table,
                           std::span<const std::string> columns)
    : connection_(connection) {
  std::string names;
  for (const std::string& column : columns) names += (names.empty() ? "" : ", ") + column;
  copy_ = "COPY " + table + " (" + names + ") FROM STDIN";
}

void PostgresCopy::separate() {
  if (!first_) rows_ += '\t';
  first_ = false;
}

void PostgresCopy::add(std::string_view text) {
  separate();
  for (const char c : text) {
    switch (c) {
      case '\\':
        rows_ += "\\\\";
        break;
      case '\t':
        rows_ += "\\t";
        break;
      case '\n':
        rows_ += "\\n";
        break;
      case '\r':
        rows_ += "\\r";
        break;
      default:
        rows_ += c;
    }
  }
}

void PostgresCopy::add(double value) {
  if (value != value) return add_null();
  separate();
  append_number(rows_, value);
}

void PostgresCopy::add(std::int64_t value) {
  separate();
  append_number(rows_, value);
}

void PostgresCopy::add_bytes(std::string_view bytes) {
  separate();
  constexpr std::string_view digits = "0123456789abcdef";
  rows_ += "\\\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    rows_ += digits[byte >> 4];
    rows_ += digits[byte & 15];
  }
}

void PostgresCopy::add_null() {
  separate();
  rows_ += "\\N";
}

Result<void> PostgresCopy::end_row() {
  rows_ += '\n';
  first_ = true;
  return rows_.size() < kSendAt ? Result<void>{} : send();
}

Result<void> PostgresCopy::finish() { return rows_.empty() ? Result<void>{} : send(); }

Result<void> PostgresCopy::send() {
  PostgresResult started(PQexec(connection_, copy_.c_str()));
  if (PQresultStatus(started.get()) != PGRES_COPY_IN)
    return fail(postgres_error(connection_, started.get()));
  if (PQputCopyData(connection_, rows_.data(), static_cast<int>(rows_.size())) != 1 ||
      PQputCopyEnd(connection_, nullptr) != 1)
    return fail(postgres_error(connection_, nullptr));
  rows_.clear();
  Result<void> outcome;
  while (PostgresResult result{PQgetResult(connection_)}) {
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK && outcome)
      outcome = fail(postgres_error(connection_, result.get()));
  }
  return outcome;
}

}  // namespace kneepoint::store
