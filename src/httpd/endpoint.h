#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kneepoint::httpd {

/// Where a door is opened: an address of this machine and a port, 0 for any that is free.
struct Endpoint {
  std::string address = "127.0.0.1";  // a literal; IPv6 without its brackets
  std::uint16_t port = 0;

  std::string to_text() const;  // "127.0.0.1:8080", "[::1]:8080"
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080", ":8080" and "*:8080" (every address).
Result<Endpoint> parse_endpoint(std::string_view text);

/// 127.0.0.0/8 and ::1: reachable from this machine alone.
bool is_loopback(std::string_view address);
/// An IPv4 or IPv6 literal, brackets allowed.
bool is_literal(std::string_view host);

/// Who can reach an address must be known: loopback needs nothing; any other address needs tokens
/// or client certificates. The error says both ways out. The same rule holds for every door.
Result<void> check_exposure(std::string_view address, bool has_tokens, bool has_client_ca);

}  // namespace kneepoint::httpd
