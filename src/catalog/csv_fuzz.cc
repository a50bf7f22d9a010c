#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "catalog/container.h"
#include "catalog/csv.h"
#include "catalog/schema.h"

namespace kp = kneepoint::catalog;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// Rows that were accepted are the same after they were packed, and after they were written as
/// text.
void check_accepted(const kp::TableSchema& schema, const kp::CheckedRows& accepted,
                    kp::Origin origin) {
  const auto bytes = std::make_shared<const std::string>(kp::pack({accepted}));
  const auto unpacked = kp::unpack(*bytes, bytes);
  require(unpacked.has_value());
  for (const kp::Table& table : unpacked->tables) {
    if (&table.schema() != &schema) {
      require(table.rows() == 0);
      continue;
    }
    require(table.rows() == accepted.rows.size());
    for (std::size_t r = 0; r < table.rows(); ++r) {
      for (std::size_t c = 0; c < schema.columns.size(); ++c) {
        require(table.text(r, c) == accepted.rows[r][c]);
      }
    }
  }

  std::vector<std::string> header;
  for (const auto& column : schema.columns) header.emplace_back(column.name);
  std::string text = kp::csv_line(header);
  for (const auto& row : accepted.rows) text += kp::csv_line(row);
  const auto again = kp::read_table(schema, text, "again.csv", origin);
  require(again && again->rows == accepted.rows);
}

}  // namespace

// The first byte picks the table and the origin, so that the seeds need no marker in the text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto schemas = kp::schemas();
  const auto& schema = schemas[(data[0] / 2U) % schemas.size()];
  const auto origin = data[0] % 2 == 0 ? kp::Origin::User : kp::Origin::Shipped;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  // With its own header, and under the right one: no fuzzer types fifty column names.
  std::vector<std::string> names;
  for (const auto& column : schema.columns) names.emplace_back(column.name);
  for (const std::string& whole : {std::string(text), kp::csv_line(names) + std::string(text)}) {
    const auto table = kp::read_table(schema, whole, "fuzz.csv", origin);
    if (table) {
      check_accepted(schema, *table, origin);
    } else {
      require(table.error().message.starts_with("fuzz.csv:"));
    }
  }
  return 0;
}
