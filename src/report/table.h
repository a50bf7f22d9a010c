#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace kneepoint::report {

/// How many decimals a number shows in text and CSV. JSON and YAML always carry the fewest digits
/// that read back to the same double, whatever is chosen here.
inline constexpr int kShortest = -1;           // 0.5, 1, 30.125
inline constexpr int kShortestWithPoint = -2;  // 0.5, 1.0, 30.125

/// One cell: nothing, a text, or a figure. A figure that is NaN or infinite is missing.
class Cell {
 public:
  Cell() = default;
  static Cell text(std::string value) { return Cell(std::move(value)); }
  static Cell integer(std::int64_t value) { return Cell(value); }
  static Cell number(double value, int decimals = kShortest);
  /// Missing when the text is empty.
  static Cell text_or_missing(std::string value) {
    return value.empty() ? Cell() : Cell(std::move(value));
  }

  struct Number {
    double value;
    int decimals;
  };
  using Value = std::variant<std::monostate, std::string, std::int64_t, Number>;
  const Value& value() const { return value_; }
  bool missing() const { return value_.index() == 0; }

 private:
  explicit Cell(Value value) : value_(std::move(value)) {}
  Value value_;
};

struct Column {
  std::string title;             // "Cost/M Input Tokens": text and CSV
  std::string key;               // "costPerMillionInputTokens": JSON, YAML, plain titles
  std::string missing = "None";  // what a missing cell shows in text
  std::string missing_csv = {};  // and in CSV
};

/// Rows under named columns. A row shorter than the columns is filled with missing cells; cells
/// past the last column are dropped.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void reserve(std::size_t rows) { cells_.reserve(rows * columns_.size()); }
  void add_row(std::vector<Cell> cells);

  const std::vector<Column>& columns() const { return columns_; }
  std::size_t rows() const { return columns_.empty() ? 0 : cells_.size() / columns_.size(); }
  const Cell& at(std::size_t row, std::size_t column) const {
    return cells_[row * columns_.size() + column];
  }

 private:
  std::vector<Column> columns_;
  std::vector<Cell> cells_;  // row by row
};

struct TextStyle {
  int gap = 1;                // blanks between columns
  bool plain_titles = false;  // INSTANCE_TYPE, made from the key, in place of the title
  std::size_t cap = 60;       // a wider cell is printed whole and pushes the rest of its row right
};
inline constexpr TextStyle kProfileStyle{};                              // --format=profile
inline constexpr TextStyle kPlainStyle{.gap = 2, .plain_titles = true};  // --format=table

/// Left-aligned columns, no rule line, no blanks at the end of a line. Nothing when there are no
/// rows. Control characters in cells are made visible.
std::string write_text(const Table& table, TextStyle style = kProfileStyle);
/// Header and rows with the fewest quotes, lines end in "\n"; the header stands without rows too.
std::string write_csv(const Table& table);
/// An array of objects, two-space indentation; every object has every key, missing is null.
std::string write_json(const Table& table);
/// One document per row, each opened by "---"; missing cells are left out.
std::string write_yaml(const Table& table);

/// "averageInputLength" -> "AVERAGE_INPUT_LENGTH"; of a dotted key the last part counts.
std::string plain_title(std::string_view key);

}  // namespace kneepoint::report
