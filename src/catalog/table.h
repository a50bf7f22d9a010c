#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/schema.h"

namespace kneepoint::catalog {

/// One table of one layer, column by column. Text cells point into a pool that the owner of the
/// table keeps alive (the mapped file, or the overlay's own bytes).
class Table {
 public:
  Table() = default;
  Table(const TableSchema& schema, std::size_t rows, std::string_view pool,
        std::span<const std::uint32_t> cells)
      : schema_(&schema), rows_(rows), pool_(pool), cells_(cells) {}

  const TableSchema& schema() const { return *schema_; }
  std::size_t rows() const { return rows_; }

  /// Index of a column; the name is one of the schema's (checked).
  std::size_t column(std::string_view name) const;

  /// The cell as written; empty when unknown.
  std::string_view text(std::size_t row, std::size_t column) const;
  /// NaN when empty. Cells were checked against the schema when the table was made.
  double number(std::size_t row, std::size_t column) const;

  std::string_view text(std::size_t row, std::string_view name) const {
    return text(row, column(name));
  }
  double number(std::size_t row, std::string_view name) const { return number(row, column(name)); }

 private:
  const TableSchema* schema_ = nullptr;
  std::size_t rows_ = 0;
  std::string_view pool_;
  std::span<const std::uint32_t> cells_;  // row-major offsets into the pool
};

/// The tables of one layer and the memory they live in.
struct TableSet {
  std::vector<Table> tables;           // in the order of schemas(); rows() == 0 when absent
  std::shared_ptr<const void> memory;  // keeps pool and cells alive
  std::string hash;
};

}  // namespace kneepoint::catalog
