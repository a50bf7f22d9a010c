#include "cli/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"

namespace kneepoint::cli {
namespace {

using report::Cell;
using report::Column;
using report::Table;

std::string last_word(std::string_view dotted) {
  const auto dot = dotted.rfind('.');
  return std::string(dot == std::string_view::npos ? dotted : dotted.substr(dot + 1));
}

/// Letters and digits only, lower case: "Output Tokens/s" and "outputTokens/s" are one.
std::string folded(std::string_view text) {
  std::string out;
  for (const char c : lower(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

Result<std::size_t> find_column(const Table& table, std::string_view field) {
  const auto& columns = table.columns();
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].key == field) return c;
  }
  const std::string wanted = folded(field);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (folded(columns[c].key) == wanted || folded(last_word(columns[c].key)) == wanted ||
        folded(last_word(columns[c].key)) == folded(last_word(field)) ||
        folded(columns[c].title) == wanted) {
      return c;
    }
  }
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.key);
  return fail(ErrorCode::InvalidArgument, fmt::format("no field '{}' in these rows; there are {}",
                                                      field.substr(0, 80), join(names, ", ")));
}

std::optional<double> figure(const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell.value())) {
    return static_cast<double>(*integer);
  }
  if (const auto* number = std::get_if<Cell::Number>(&cell.value())) return number->value;
  return {};
}

std::string words(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell.value())) return *text;
  const auto number = figure(cell);
  return number ? shortest(*number) : std::string();
}

/// Missing cells come last in either direction.
int compare(const Cell& a, const Cell& b) {
  if (a.missing() || b.missing())
    return static_cast<int>(a.missing()) - static_cast<int>(b.missing());
  const auto x = figure(a);
  const auto y = figure(b);
  if (x && y) return *x < *y ? -1 : *x > *y ? 1 : 0;
  return words(a).compare(words(b));
}

/// FIELD=VALUE (equal), FIELD!=VALUE, FIELD:VALUE (holds, case ignored), FIELD<, <=, >, >= NUMBER.
struct Condition {
  std::size_t column;
  std::string op, value;
};

Result<Condition> parse_condition(const Table& table, std::string_view text) {
  for (const char* op : {"!=", "<=", ">=", "=", ":", "<", ">"}) {
    const auto at = text.find(op);
    if (at == std::string_view::npos || at == 0) continue;
    const auto column = find_column(table, trim(text.substr(0, at)));
    if (!column) return fail(column.error());
    std::string_view value = trim(text.substr(at + std::string_view(op).size()));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front()) {
      value = value.substr(1, value.size() - 2);
    }
    return Condition{*column, op, std::string(value)};
  }
  return fail(ErrorCode::InvalidArgument,
              fmt::format("--filter: '{}' is no condition; write FIELD=VALUE, FIELD:PART or "
                          "FIELD<NUMBER, several joined by AND",
                          text.substr(0, 80)));
}

bool holds(const Condition& condition, const Cell& cell) {
  const std::string have = words(cell);
  if (condition.op == ":") return lower(have).find(lower(condition.value)) != std::string::npos;
  const auto number = figure(cell);
  const auto wanted = parse_number(condition.value);
  const bool equal = number && wanted ? *number == *wanted : have == condition.value;
  if (condition.op == "=") return equal;
  if (condition.op == "!=") return !equal;
  if (!number || !wanted) return false;
  if (condition.op == "<") return *number < *wanted;
  if (condition.op == "<=") return *number <= *wanted;
  if (condition.op == ">") return *number > *wanted;
  return *number >= *wanted;
}

Result<std::vector<Condition>> parse_filter(const Table& table, std::string_view text) {
  std::vector<Condition> out;
  const std::string words = std::string(text);
  std::size_t from = 0;
  while (from <= words.size()) {
    auto at = words.find(" AND ", from);
    if (at == std::string::npos) at = words.size();
    const auto condition =
        parse_condition(table, trim(std::string_view(words).substr(from, at - from)));
    if (!condition) return fail(condition.error());
    out.push_back(*condition);
    from = at + 5;
  }
  return out;
}

json::Value cells_json(const Table& table, std::size_t row) {
  json::Object out;
  for (std::size_t c = 0; c < table.columns().size(); ++c) {
    const Cell& cell = table.at(row, c);
    if (cell.missing()) continue;
    const std::string& key = table.columns()[c].key;
    if (const auto* text = std::get_if<std::string>(&cell.value())) {
      out.emplace(key, *text);
    } else if (const auto* integer = std::get_if<std::int64_t>(&cell.value())) {
      out.emplace(key, *integer);
    } else {
      out.emplace(key, *figure(cell));
    }
  }
  return out;
}

}  // namespace

Cell rounded(double value) {
  return std::isfinite(value) ? Cell::integer(static_cast<std::int64_t>(std::llround(value)))
                              : Cell();
}

Cell text(std::string_view value) { return Cell::text_or_missing(std::string(value)); }

Result<std::vector<std::size_t>> choose_rows(const Table& table, const Parsed& args) {
  std::vector<std::size_t> rows(table.rows());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  if (const auto filter = args.maybe_text("--filter"); filter && !filter->empty()) {
    const auto conditions = parse_filter(table, *filter);
    if (!conditions) return fail(conditions.error());
    std::erase_if(rows, [&](std::size_t row) {
      return !std::all_of(conditions->begin(), conditions->end(), [&](const Condition& condition) {
        return holds(condition, table.at(row, condition.column));
      });
    });
  }
  struct Order {
    std::size_t column;
    bool down;
  };
  std::vector<Order> orders;
  for (std::string field : args.list("--sort-by")) {
    const bool down = field.starts_with('~');
    if (down) field.erase(0, 1);
    const auto column = find_column(table, field);
    if (!column) return fail(column.error());
    orders.push_back({*column, down});
  }
  if (!orders.empty()) {
    std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
      for (const Order& order : orders) {
        const Cell& x = table.at(a, order.column);
        const Cell& y = table.at(b, order.column);
        const int way = x.missing() || y.missing() || !order.down ? compare(x, y) : compare(y, x);
        if (way != 0) return way < 0;
      }
      return false;
    });
  }
  if (const auto limit = args.integer("--limit");
      limit && static_cast<std::size_t>(*limit) < rows.size()) {
    rows.resize(static_cast<std::size_t>(*limit));
  }
  return rows;
}

Result<Table> pick(const Table& table, const std::vector<std::size_t>& rows,
                   const std::vector<std::string>& fields) {
  std::vector<std::size_t> columns;
  if (fields.empty()) {
    columns.resize(table.columns().size());
    std::iota(columns.begin(), columns.end(), std::size_t{0});
  }
  for (const std::string& field : fields) {
    const auto column = find_column(table, field);
    if (!column) return fail(column.error());
    columns.push_back(*column);
  }
  std::vector<Column> heads;
  for (const std::size_t c : columns) heads.push_back(table.columns()[c]);
  Table out(std::move(heads));
  out.reserve(rows.size());
  for (const std::size_t row : rows) {
    std::vector<Cell> cells;
    cells.reserve(columns.size());
    for (const std::size_t c : columns) cells.push_back(table.at(row, c));
    out.add_row(std::move(cells));
  }
  return out;
}

Result<void> print_rows(Run& run, const Rows& rows) {
  const FormatChoice format = run.args().format();
  const auto chosen = choose_rows(rows.table, run.args());
  if (!chosen) return fail(chosen.error());
  if (format.name == "json" || format.name == "yaml") {
    json::Array all;
    std::string yaml;
    for (const std::size_t row : *chosen) {
      json::Value one = rows.object ? rows.object(row) : cells_json(rows.table, row);
      if (format.name == "json") {
        all.push_back(std::move(one));
      } else {
        yaml += "---\n" + json::to_yaml(one);
      }
    }
    run.out(format.name == "json" ? json::to_text(all) : yaml);
    return {};
  }
  const bool as_is = format.fields.empty() && chosen->size() == rows.table.rows() &&
                     std::is_sorted(chosen->begin(), chosen->end());
  std::optional<Table> picked;
  if (!as_is) {
    auto table = pick(rows.table, *chosen, format.fields);
    if (!table) return fail(table.error());
    picked = std::move(*table);
  }
  const Table& table = picked ? *picked : rows.table;
  if (format.name == "csv" || format.name == "csvprofile") {
    run.out(report::write_csv(table));
  } else if (format.name == "profile") {
    run.out(report::write_text(table, report::kProfileStyle));
  } else {
    run.out(report::write_text(table, report::kPlainStyle));
  }
  return {};
}

}  // namespace kneepoint::cli
