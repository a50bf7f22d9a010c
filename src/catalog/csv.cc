#include "catalog/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/date.h"
#include "base/text.h"

namespace kneepoint::catalog {
namespace {

tl::unexpected<Error> at(std::string_view file, std::size_t line, const std::string& message) {
  return fail(ErrorCode::InvalidArgument, fmt::format("{}:{}: {}", file, line, message));
}

/// Degrees may be negative; every other figure of the catalog counts something.
bool may_be_negative(std::string_view column) {
  return column == "latitude" || column == "longitude";
}

/// A price of nothing is a price nobody knows: it would win every ranking.
bool is_price(std::string_view column) {
  return column == "on_demand" || column == "spot" || column == "cud_1y" || column == "cud_3y";
}

Result<void> check_cell(const ColumnSchema& column, const std::string& cell) {
  const auto bad = [&](std::string_view wants) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("{}: '{}' is not {}", column.name, cell.substr(0, 80), wants));
  };
  if (cell.empty()) return {};
  switch (column.type) {
    case Type::Text:
      if (cell.find('\0') != std::string::npos) return bad("text");
      if (!column.choices.empty()) {
        const auto words = split(column.choices, '|');
        if (std::find(words.begin(), words.end(), cell) == words.end()) {
          return bad(fmt::format("one of {}", fmt::join(words, ", ")));
        }
      }
      return {};
    case Type::Number: {
      const auto value = parse_number(cell);
      if (!value) return bad("a number");
      if (*value < 0 && !may_be_negative(column.name)) return bad("a number of at least 0");
      if (*value == 0 && is_price(column.name)) {
        return bad("a price; leave the cell empty when it is not known");
      }
      return {};
    }
    case Type::Integer: {
      const auto value = parse_integer(cell);
      if (!value || *value < 0 || *value > 2'000'000'000) return bad("a whole number");
      return {};
    }
    case Type::YesNo:
      if (cell != "yes" && cell != "no" && cell != "True" && cell != "False") {
        return bad("yes or no");
      }
      return {};
    case Type::Date:
      if (!parse_date(cell)) return bad("a date such as 2026-08-21, 2026-08 or 2026");
      return {};
  }
  return {};
}

}  // namespace

Result<std::vector<CsvRecord>> parse_csv(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  std::vector<CsvRecord> records;
  std::size_t line = 1;
  std::size_t i = 0;
  while (i < text.size()) {
    CsvRecord record;
    record.line = line;
    for (bool more = true; more;) {
      std::string& cell = record.cells.emplace_back();
      if (i < text.size() && text[i] == '"') {
        const std::size_t opened = line;
        for (++i;; ++i) {
          if (i >= text.size()) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{}: a quoted cell is never closed", opened));
          }
          if (text[i] == '"') {
            if (i + 1 >= text.size() || text[i + 1] != '"') break;
            ++i;
          } else if (text[i] == '\n') {
            ++line;
          }
          cell += text[i];
        }
        ++i;
        if (i < text.size() && text[i] != ',' && text[i] != '\n' && text[i] != '\r') {
          return fail(ErrorCode::InvalidArgument,
                      fmt::format("{}: text after a closing quote", line));
        }
      } else {
        while (i < text.size() && text[i] != ',' && text[i] != '\n') cell += text[i++];
        if (!cell.empty() && cell.back() == '\r' && (i >= text.size() || text[i] == '\n')) {
          cell.pop_back();
        }
      }
      if (i < text.size() && text[i] == '\r') ++i;
      more = i < text.size() && text[i] == ',';
      if (more || (i < text.size() && text[i] == '\n')) ++i;
    }
    ++line;
    if (record.cells.size() > 1 || !record.cells.front().empty()) {
      records.push_back(std::move(record));
    }
  }
  return records;
}

Result<CheckedRows> read_table(const TableSchema& schema, std::string_view text,
                               std::string_view file, Origin origin) {
  auto records = parse_csv(text);
  if (!records) {
    return fail(records.error().code, fmt::format("{}:{}", file, records.error().message));
  }
  CheckedRows out;
  out.schema = &schema;
  if (records->empty()) return at(file, 1, "no header line");

  std::unordered_map<std::string_view, std::size_t> place;
  std::vector<std::string> names;
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    place.emplace(schema.columns[c].name, c);
    names.emplace_back(schema.columns[c].name);
  }
  const CsvRecord& header = records->front();
  std::vector<std::size_t> target;
  std::unordered_set<std::size_t> given;
  for (const std::string& raw : header.cells) {
    const std::string name(trim(raw));
    const auto known = place.find(name);
    if (known == place.end()) {
      const auto close = nearest(name, names, 1);
      return at(file, header.line,
                fmt::format("unknown column '{}'{}", name.substr(0, 80),
                            close.empty() ? "" : fmt::format("; did you mean '{}'?", close[0])));
    }
    if (!given.insert(known->second).second) {
      return at(file, header.line, fmt::format("column '{}' is there twice", name));
    }
    target.push_back(known->second);
  }
  for (std::size_t c = 0; c < schema.columns.size(); ++c) {
    if (schema.columns[c].required && !given.contains(c)) {
      return at(file, header.line, fmt::format("column '{}' is missing", schema.columns[c].name));
    }
  }

  const auto source = place.find("source");
  const auto confidence = place.find("confidence");
  std::unordered_map<std::string, std::size_t> keys;
  for (std::size_t r = 1; r < records->size(); ++r) {
    CsvRecord& record = (*records)[r];
    if (record.cells.size() != header.cells.size()) {
      return at(file, record.line,
                fmt::format("{} cells where the header has {}", record.cells.size(),
                            header.cells.size()));
    }
    std::vector<std::string> row(schema.columns.size());
    for (std::size_t c = 0; c < target.size(); ++c) {
      row[target[c]] = std::string(trim(record.cells[c]));
    }
    if (origin == Origin::User) {
      if (source != place.end() && row[source->second].empty()) row[source->second] = "user";
      if (confidence != place.end() && row[confidence->second].empty()) {
        row[confidence->second] = "user";
      }
    }
    for (std::size_t c = 0; c < row.size(); ++c) {
      const ColumnSchema& column = schema.columns[c];
      if (row[c].empty() &&
          (column.required || (origin == Origin::Shipped && column.name == "source"))) {
        return at(file, record.line, fmt::format("{}: must not be empty", column.name));
      }
      if (auto good = check_cell(column, row[c]); !good) {
        return at(file, record.line, good.error().message);
      }
    }
    std::string key;
    for (const std::string_view name : schema.key) key += row[place[name]] + '\x1f';
    if (schema.several_sources) key += row[source->second];
    const auto [first, fresh] = keys.emplace(std::move(key), record.line);
    if (!fresh) {
      std::vector<std::string> shown;
      for (const std::string_view name : schema.key) shown.push_back(row[place[name]]);
      return at(file, record.line,
                fmt::format("{} is already in line {}", join(shown, " "), first->second));
    }
    out.rows.push_back(std::move(row));
    out.lines.push_back(record.line);
  }
  return out;
}

std::string csv_line(const std::vector<std::string>& cells) {
  std::string out;
  for (const std::string& cell : cells) {
    if (&cell != &cells.front()) out += ',';
    if (cell.find_first_of(",\"\n\r") == std::string::npos) {
      out += cell;
      continue;
    }
    out += '"';
    for (const char c : cell) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += '\n';
  return out;
}

}  // namespace kneepoint::catalog
