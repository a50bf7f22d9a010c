#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

/// The one document type of the project: what is read from JSON, and what is written as JSON or
/// YAML. Boost.JSON keeps members in the order they were put in, so output is stable. This header
/// is the only place that names the library.
namespace kneepoint::json {

using Value = boost::json::value;
using Object = boost::json::object;
using Array = boost::json::array;

/// Strict JSON; the error names line and column. Depth is bounded at 64.
Result<Value> parse(std::string_view text);

/// One line, no blanks.
std::string to_line(const Value& value);

/// Two-space indentation, members in their own order, a newline at the end. Doubles are written
/// with the fewest digits that read back to the same value, whole doubles without a point;
/// infinities and NaN are written as null.
std::string to_text(const Value& value);

/// The same document as YAML 1.2 (block style). Strings that YAML would read as something else,
/// or that hold anything but plain words, are double-quoted, so no string becomes structure.
std::string to_yaml(const Value& value);

}  // namespace kneepoint::json
