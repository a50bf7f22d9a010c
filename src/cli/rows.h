#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/run.h"
#include "report/table.h"

namespace kneepoint::cli {

/// A figure to the nearest whole number, missing where there is none.
report::Cell rounded(double value);
/// Missing when empty.
report::Cell text(std::string_view value);

/// Rows to print: a table, and for JSON and YAML the object behind each row where that says more
/// than its cells.
struct Rows {
  report::Table table;
  std::function<json::Value(std::size_t row)> object;  // empty: the cells under their keys
};

/// --filter, --sort-by and --limit: the rows left, in order. A field is a column's key, the last
/// word of a dotted key, or its title; NotFound names the fields.
Result<std::vector<std::size_t>> choose_rows(const report::Table& table, const Parsed& args);

/// The rows chosen, in the format asked for.
Result<void> print_rows(Run& run, const Rows& rows);

/// A table with the columns picked by --format="table(a,b)" and the rows chosen.
Result<report::Table> pick(const report::Table& table, const std::vector<std::size_t>& rows,
                           const std::vector<std::string>& fields);

}  // namespace kneepoint::cli
