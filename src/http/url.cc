#include "http/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace kneepoint::http {
namespace {

std::uint16_t usual_port(bool tls) { return tls ? 443 : 80; }

bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

bool is_ipv6(std::string_view host) {
  in6_addr address{};
  return inet_pton(AF_INET6, std::string(host.substr(0, host.find('%'))).c_str(), &address) == 1;
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != usual_port(tls)) text += fmt::format(":{}", port);
  return text;
}

std::string Url::to_text() const {
  return fmt::format("{}://{}{}", tls ? "https" : "http", authority(), base);
}

Result<Url> parse_url(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::InvalidArgument, fmt::format("address '{}': {}", text, why));
  };
  Url url;
  const std::size_t colon = text.find("://");
  const std::string scheme = lower(text.substr(0, std::min(colon, text.size())));
  if (colon == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return refuse("write http://host:port or https://host:port");
  }
  url.tls = scheme == "https";
  std::string_view rest = text.substr(colon + 3);
  const auto control = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::any_of(rest.begin(), rest.end(), control)) return refuse("it has a blank in it");
  const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view base = rest.substr(slash);
  std::string_view place = rest.substr(0, slash);
  if (base.find_first_of("?#") != std::string_view::npos) {
    return refuse("leave out the query, only the server and a base path belong here");
  }
  while (base.ends_with('/')) base.remove_suffix(1);
  url.base = base;
  if (const std::size_t at = place.rfind('@'); at != std::string_view::npos) {
    // Not repeated in the message: what stands before the @ is a secret.
    return fail(ErrorCode::InvalidArgument,
                fmt::format("address '{}://...@{}': leave out user and password, give the key by "
                            "environment or file",
                            scheme, place.substr(at + 1)));
  }

  std::string_view port;
  bool has_port = false;
  if (place.starts_with('[')) {
    const std::size_t end = place.find(']');
    if (end == std::string_view::npos) return refuse("'[' without ']'");
    url.host = place.substr(1, end - 1);
    if (!is_ipv6(url.host)) return refuse("what stands in brackets is no IPv6 address");
    port = place.substr(end + 1);
    has_port = !port.empty();
    if (has_port && port.front() != ':') return refuse("after ']' comes a colon and the port");
  } else {
    if (std::count(place.begin(), place.end(), ':') > 1) {
      return refuse("write an IPv6 address in brackets: http://[::1]:8000");
    }
    const std::size_t end = std::min(place.find(':'), place.size());
    url.host = place.substr(0, end);
    if (!is_name(url.host)) return refuse("there is no host in it that could be a name");
    port = place.substr(end);
    has_port = !port.empty();
  }
  url.port = usual_port(url.tls);
  if (has_port) {
    const auto number = parse_integer(port.substr(1));
    if (!number || *number < 1 || *number > 65535) return refuse("a port is a number to 65535");
    url.port = static_cast<std::uint16_t>(*number);
  }
  return url;
}

}  // namespace kneepoint::http
