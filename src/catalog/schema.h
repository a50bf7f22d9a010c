#pragma once

#include <span>
#include <string_view>

/// Every table of the catalog, described once: the CSV reader checks text against it, the generated
/// file is laid out by it, docs/catalog.md is printed from it.
namespace kneepoint::catalog {

enum class Type { Text, Number, Integer, YesNo, Date };

struct ColumnSchema {
  std::string_view name;
  Type type;
  bool required;
  std::string_view sentence;      // meaning and unit
  std::string_view choices = {};  // of Text: the words allowed, separated by '|'; empty: any
};

struct TableSchema {
  std::string_view name;  // file is <name>.csv
  std::string_view sentence;
  std::span<const std::string_view> key;  // columns that identify a row across layers
  std::span<const ColumnSchema> columns;
  bool several_sources;  // a layer may hold one row per key and source
};

std::span<const TableSchema> schemas();
const TableSchema* schema(std::string_view table);

}  // namespace kneepoint::catalog
