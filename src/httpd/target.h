#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kneepoint::httpd {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What stands between method and version of a request line, taken apart. Nothing in it is trusted.
struct Target {
  /// Percent-decoded, none empty: "//v1/a%2Fb/" is {"v1", "a/b"}.
  std::vector<std::string> segments;
  /// Split at & alone: clients send raw "/", ";" and "$alt=json;enum-encoding=int". "+" is a blank.
  Pairs query;

  std::string path() const;  // "/v1/a/b", "/"
};

/// Origin form ("/path?query") and absolute form ("http://host/path"). Refused: escapes that are
/// none, "." and ".." as a segment, control characters, more than 64 segments or 256 parameters.
Result<Target> parse_target(std::string_view text);

}  // namespace kneepoint::httpd
