#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/table.h"

namespace kneepoint::catalog {

/// Splits RFC 4180 text: quoted cells may hold separators, quotes ("") and line breaks; lines end
/// in LF or CRLF; a byte-order mark is skipped; blank lines are skipped.
struct CsvRecord {
  std::size_t line = 0;  // of its first character, from 1
  std::vector<std::string> cells;
};
Result<std::vector<CsvRecord>> parse_csv(std::string_view text);

/// Which rows are accepted: shipped tables state a source for every row; in a user's table source
/// and confidence default to "user".
enum class Origin { Shipped, User };

/// Text cells of one table, checked against its schema: header names (any order, required ones
/// present), numbers finite and not negative where they cannot be, dates, yes/no, unique keys. An
/// error names file and line: "prices.csv:7: on_demand: 'abc' is not a number".
struct CheckedRows {
  const TableSchema* schema = nullptr;
  std::vector<std::vector<std::string>> rows;  // in schema order
  std::vector<std::size_t> lines;              // of each row in its file
};
Result<CheckedRows> read_table(const TableSchema& schema, std::string_view text,
                               std::string_view file, Origin origin);

/// One record as CSV, quoted where needed, with the newline.
std::string csv_line(const std::vector<std::string>& cells);

}  // namespace kneepoint::catalog
