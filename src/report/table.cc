#include "report/table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "report/text_width.h"

// Every writer appends to one string; figures go through std::to_chars into a buffer on the stack.
// Ten thousand rows of seventeen columns stay under ten milliseconds (table_bench.cc).
namespace kneepoint::report {
namespace {

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_shortest(std::string& out, double value) {
  if (std::abs(value) < 1e15 && value == std::trunc(value)) {
    append_integer(out, static_cast<std::int64_t>(value));
    return;
  }
  std::array<char, 40> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

void append_number(std::string& out, Cell::Number number) {
  if (number.decimals >= 0) {
    std::array<char, 400> buffer;  // a double has up to 309 digits before its point
    const double value = number.value == 0 ? 0 : number.value;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   std::chars_format::fixed, std::min(number.decimals, 17))
                         .ptr;
    std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
    const bool rounds_to_zero = text.find_first_not_of("-0.") == std::string_view::npos;
    if (rounds_to_zero && text.front() == '-') text.remove_prefix(1);
    out += text;
    return;
  }
  const std::size_t before = out.size();
  append_shortest(out, number.value);
  const bool whole = out.find_first_of(".e", before) == std::string::npos;
  if (number.decimals == kShortestWithPoint && whole) out += ".0";
}

// What a cell shows where layout matters: text and CSV.
void append_shown(std::string& out, const Cell& cell, std::string_view missing) {
  if (const auto* text = std::get_if<std::string>(&cell.value())) {
    out += *text;
  } else if (const auto* integer = std::get_if<std::int64_t>(&cell.value())) {
    append_integer(out, *integer);
  } else if (const auto* number = std::get_if<Cell::Number>(&cell.value())) {
    append_number(out, *number);
  } else {
    out += missing;
  }
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
  });
  if (plain) {
    out += text;
    text = {};
  }
  while (!text.empty()) {
    const Character c = first_character(text);
    switch (c.code) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c.code < 0x20 || c.code == 0x7F) {
          out += "\\u00";
          out += kHex[c.code >> 4];
          out += kHex[c.code & 15];
        } else {
          append_utf8(out, c.code);
        }
    }
    text.remove_prefix(c.bytes);
  }
  out += '"';
}

// A figure as machines read it: full precision, no layout.
bool append_figure(std::string& out, const Cell& cell) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell.value())) {
    append_integer(out, *integer);
    return true;
  }
  if (const auto* number = std::get_if<Cell::Number>(&cell.value())) {
    append_shortest(out, number->value);
    return true;
  }
  return false;
}

// Words that no YAML reader takes for anything but a string. Everything else is double-quoted.
bool is_plain_yaml(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !letter(text.front()) || text.back() == ' ') return false;
  const bool words = std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || digit(c) || c == ' ' || c == '-' || c == '_' || c == '.' || c == '/';
  });
  if (!words) return false;
  if (text.size() > 5) return true;
  constexpr std::array<std::string_view, 9> kReserved{"true", "false", "null", "yes", "no",
                                                      "on",   "off",   "y",    "n"};
  std::string small(text);
  for (char& c : small) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return std::find(kReserved.begin(), kReserved.end(), small) == kReserved.end();
}

void append_yaml_string(std::string& out, std::string_view text) {
  if (is_plain_yaml(text)) {
    out += text;
  } else {
    append_json_string(out, text);  // a JSON string is a YAML double-quoted scalar
  }
}

void append_csv_field(std::string& out, std::string_view field) {
  const bool plain = std::none_of(field.begin(), field.end(), [](char c) {
    return c == ',' || c == '"' || c == '\r' || c == '\n';
  });
  if (plain) {
    out += field;
    return;
  }
  out += '"';
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// One row of text as it will be shown: all fields back to back, with their ends and their widths.
struct ShownRows {
  std::string bytes;
  std::vector<std::size_t> ends;
  std::vector<std::size_t> widths;

  void close_field() {
    const std::size_t begin = ends.empty() ? 0 : ends.back();
    std::string_view field = std::string_view(bytes).substr(begin);
    std::size_t width = field.size();
    if (!is_plain_ascii(field)) {
      const std::string safe = printable(field);
      bytes.resize(begin);
      bytes += safe;
      field = std::string_view(bytes).substr(begin);
      width = display_width(field);
    }
    ends.push_back(bytes.size());
    widths.push_back(width);
  }
  std::string_view field(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    return std::string_view(bytes).substr(begin, ends[i] - begin);
  }
};

ShownRows shown_rows(const Table& table, bool plain_titles) {
  ShownRows shown;
  const std::size_t fields = (table.rows() + 1) * table.columns().size();
  shown.bytes.reserve(fields * 12);
  shown.ends.reserve(fields);
  shown.widths.reserve(fields);
  for (const Column& column : table.columns()) {
    shown.bytes += plain_titles ? plain_title(column.key) : column.title;
    shown.close_field();
  }
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (std::size_t column = 0; column < table.columns().size(); ++column) {
      append_shown(shown.bytes, table.at(row, column), table.columns()[column].missing);
      shown.close_field();
    }
  }
  return shown;
}

}  // namespace

Cell Cell::number(double value, int decimals) {
  return std::isfinite(value) ? Cell(Value(Number{value, decimals})) : Cell();
}

void Table::add_row(std::vector<Cell> cells) {
  cells.resize(columns_.size());
  cells_.insert(cells_.end(), std::make_move_iterator(cells.begin()),
                std::make_move_iterator(cells.end()));
}

std::string plain_title(std::string_view key) {
  if (const auto dot = key.rfind('.'); dot != std::string_view::npos) key.remove_prefix(dot + 1);
  std::string title;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const char c = key[i];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool after_lower = i > 0 && !(key[i - 1] >= 'A' && key[i - 1] <= 'Z');
    if (upper && after_lower && title.back() != '_') title += '_';
    title += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  }
  return title;
}

std::string write_text(const Table& table, TextStyle style) {
  const std::size_t columns = table.columns().size();
  if (table.rows() == 0 || columns == 0) return {};
  const ShownRows shown = shown_rows(table, style.plain_titles);

  std::vector<std::size_t> width(columns, 0);
  for (std::size_t i = 0; i < shown.widths.size(); ++i) {
    width[i % columns] = std::max(width[i % columns], shown.widths[i]);
  }
  std::size_t line = 1;
  for (std::size_t& w : width) {
    w = std::min(w, style.cap);
    line += w + static_cast<std::size_t>(style.gap);
  }

  std::string out, blank;
  out.reserve((table.rows() + 1) * line);
  for (std::size_t first = 0; first < shown.ends.size(); first += columns) {
    // The fields are laid onto a line of blanks, which has room for what is wider than its column.
    const std::size_t before = first == 0 ? 0 : shown.ends[first - 1];
    blank.assign(line + shown.ends[first + columns - 1] - before, ' ');
    std::size_t at = 0, end = 0;
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t i = first + column;
      const std::string_view field = shown.field(i);
      std::copy(field.begin(), field.end(), blank.begin() + static_cast<std::ptrdiff_t>(at));
      if (!field.empty()) end = at + field.size();
      const std::size_t pad = width[column] > shown.widths[i] ? width[column] - shown.widths[i] : 0;
      at += field.size() + pad + static_cast<std::size_t>(style.gap);
    }
    while (end > 0 && blank[end - 1] == ' ') --end;
    out.append(blank, 0, end).push_back('\n');
  }
  return out;
}

std::string write_csv(const Table& table) {
  std::string out;
  const std::vector<Column>& columns = table.columns();
  if (columns.empty()) return out;
  out.reserve((table.rows() + 1) * columns.size() * 12);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    append_csv_field(out, columns[i].title);
  }
  out += '\n';
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::size_t begin = out.size();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out += ',';
      const Cell& cell = table.at(row, i);
      if (const auto* text = std::get_if<std::string>(&cell.value())) {
        append_csv_field(out, *text);
      } else if (cell.missing()) {
        append_csv_field(out, columns[i].missing_csv);
      } else {
        append_shown(out, cell, {});
      }
    }
    if (out.size() == begin) out += "\"\"";  // a lone empty field, told apart from an empty line
    out += '\n';
  }
  return out;
}

std::string write_json(const Table& table) {
  if (table.rows() == 0) return "[]\n";
  std::vector<std::string> keys;
  for (const Column& column : table.columns()) {
    std::string& key = keys.emplace_back("    ");
    append_json_string(key, column.key);
    key += ": ";
  }
  std::string out = "[\n";
  out.reserve(table.rows() * keys.size() * 40);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    out += row == 0 ? "  {\n" : ",\n  {\n";
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (i > 0) out += ",\n";
      out += keys[i];
      const Cell& cell = table.at(row, i);
      if (const auto* text = std::get_if<std::string>(&cell.value())) {
        append_json_string(out, *text);
      } else if (!append_figure(out, cell)) {
        out += "null";
      }
    }
    out += "\n  }";
  }
  return out += "\n]\n";
}

std::string write_yaml(const Table& table) {
  std::vector<std::string> keys;
  for (const Column& column : table.columns()) {
    std::string& key = keys.emplace_back();
    append_yaml_string(key, column.key);
    key += ": ";
  }
  std::string out;
  out.reserve(table.rows() * keys.size() * 36);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    out += "---\n";
    const std::size_t begin = out.size();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Cell& cell = table.at(row, i);
      if (cell.missing()) continue;
      out += keys[i];
      if (const auto* text = std::get_if<std::string>(&cell.value())) {
        append_yaml_string(out, *text);
      } else {
        append_figure(out, cell);
      }
      out += '\n';
    }
    if (out.size() == begin) out += "{}\n";
  }
  return out;
}

}  // namespace kneepoint::report
