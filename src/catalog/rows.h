#pragma once

#include <string_view>

#include "catalog/catalog.h"

/// One row of a table as a value. The catalog's own; other rooms read Catalog.
namespace kneepoint::catalog {

/// A row with the layer it stands in.
struct Row {
  const Table& table;
  std::size_t index;
  const Layer& layer;

  mutable std::size_t next = 0;  // the column after the one last asked for

  std::string_view text(std::string_view column) const {
    const auto columns = table.schema().columns;
    const bool in_order = next < columns.size() && columns[next].name == column;
    const std::size_t at = in_order ? next : table.column(column);
    next = at + 1;
    return table.text(index, at);
  }
};

Model read_model(const Row& row);
Accelerator read_accelerator(const Row& row);
Machine read_machine(const Row& row);
Price read_price(const Row& row);
Region read_region(const Row& row);
UseCase read_use_case(const Row& row);
Server read_server(const Row& row);
ServerVersion read_server_version(const Row& row);
ServerFlag read_server_flag(const Row& row);
ServerMetric read_server_metric(const Row& row);
Source read_source(const Row& row);

}  // namespace kneepoint::catalog
