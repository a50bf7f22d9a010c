#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace kneepoint::importers {

/// One YAML document as the JSON it stands for: plain scalars by the rules of YAML 1.2's core
/// schema, quoted ones as texts, .nan and .inf as null. Depth is bounded at 64; so is the number of
/// values by the size of the text, aliases counted as often as they are used. Keys must be texts,
/// each once.
Result<json::Value> parse_yaml(std::string_view text);

}  // namespace kneepoint::importers
