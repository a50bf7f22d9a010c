#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace kneepoint::importers {

/// One file of another tool, read but not yet understood.
struct Document {
  std::string name;                 // as the user named it: errors start with it
  std::vector<json::Value> values;  // one; of JSON Lines one for each line that is not blank
  bool lines = false;               // JSON Lines with at least two of them
};

/// Larger files are refused: they hold a record for every request, and every tool can leave those
/// out.
inline constexpr std::size_t kMostBytes = std::size_t{256} << 20;
inline constexpr std::size_t kMostLines = 1'000'000;

/// JSON, JSON Lines or YAML, told apart by content. NaN and Infinity, which Python writes into
/// JSON, count as null: a figure that is not there. An error names the file and the line.
Result<Document> parse_document(std::string_view name, std::string_view text);

}  // namespace kneepoint::importers
