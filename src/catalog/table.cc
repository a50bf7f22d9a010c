#include "catalog/table.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/text.h"

namespace kneepoint::catalog {

std::size_t Table::column(std::string_view name) const {
  const auto columns = schema_->columns;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (columns[c].name == name) return c;
  }
  std::fprintf(stderr, "kneepoint: table %.*s has no column %.*s\n",
               static_cast<int>(schema_->name.size()), schema_->name.data(),
               static_cast<int>(name.size()), name.data());
  std::abort();
}

std::string_view Table::text(std::size_t row, std::size_t column) const {
  const std::uint32_t offset = cells_[row * schema_->columns.size() + column];
  if (offset > pool_.size() - sizeof offset) return {};  // unpack() did not look at all of them
  std::uint32_t length = 0;
  std::memcpy(&length, pool_.data() + offset, sizeof length);
  return pool_.substr(offset + sizeof length, length);  // which ends with the pool at the latest
}

double Table::number(std::size_t row, std::size_t column) const {
  return parse_number(text(row, column)).value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace kneepoint::catalog
