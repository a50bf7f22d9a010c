#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kneepoint::http {

/// Where a server is: http(s)://host[:port][/base]. A query, a fragment and a user or password in
/// it are refused: what is asked for is not part of where, and secrets do not belong into
/// addresses.
struct Url {
  bool tls = false;
  std::string host;  // a name or an address; IPv6 without its brackets
  std::uint16_t port = 80;
  std::string base;  // "" or "/path", never with a slash at its end

  /// The path of a request: the base and "/v1/models" after it.
  std::string path(std::string_view below) const { return base + std::string(below); }
  /// For the Host field: the port only where it is not the usual one.
  std::string authority() const;
  std::string to_text() const;

  friend bool operator==(const Url&, const Url&) = default;
};

Result<Url> parse_url(std::string_view text);

}  // namespace kneepoint::http
