#include "httpd/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"

namespace kneepoint::httpd {
namespace {

std::string bare(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return std::string(host);
}

}  // namespace

std::string Endpoint::to_text() const {
  return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                : fmt::format("[{}]:{}", address, port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("\"{}\" is no address to listen on: {}; write it as 127.0.0.1:8080 or "
                            "[::1]:8080",
                            text, why));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("it has no port");
  const auto port = parse_integer(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return wrong("the port is not from 0 to 65535");
  const auto host = text.substr(0, colon);
  Endpoint endpoint{bare(host), static_cast<std::uint16_t>(*port)};
  if (host.empty() || host == "*") endpoint.address = "0.0.0.0";
  if (host == "localhost") endpoint.address = "127.0.0.1";
  if (!is_literal(endpoint.address)) return wrong("only an address or \"localhost\" can be used");
  if (host.find(':') != std::string_view::npos && host.front() != '[')
    return wrong("an IPv6 address needs brackets");
  return endpoint;
}

bool is_literal(std::string_view host) {
  const auto text = bare(host);
  in6_addr scratch;
  return inet_pton(AF_INET, text.c_str(), &scratch) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

bool is_loopback(std::string_view address) {
  const auto text = bare(address);
  in_addr v4;
  if (inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6;
  if (inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<void> check_exposure(std::string_view address, bool has_tokens, bool has_client_ca) {
  if (is_loopback(address) || has_tokens || has_client_ca) return {};
  return fail(
      ErrorCode::InvalidArgument,
      fmt::format("{} can be reached from other machines, and nothing says who may ask: give "
                  "--token-file, or --client-ca with --tls-cert and --tls-key, or listen on "
                  "127.0.0.1",
                  address));
}

}  // namespace kneepoint::httpd
