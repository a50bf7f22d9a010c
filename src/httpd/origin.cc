#include "httpd/origin.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "httpd/endpoint.h"

namespace kneepoint::httpd {
namespace {

struct Authority {
  std::string name;  // lower case, without brackets and the last dot
  std::string port;
};

Authority take_apart(std::string_view text) {
  Authority found;
  const auto bracket = text.rfind(']');
  const auto colon = text.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    found.port = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  if (text.size() > 2 && text.front() == '[' && text.back() == ']')
    text = text.substr(1, text.size() - 2);
  found.name = lower(text);
  if (found.name.ends_with('.')) found.name.pop_back();
  return found;
}

}  // namespace

bool host_allowed(const OriginRules& rules, std::string_view host) {
  const auto name = take_apart(host).name;
  if (name.empty()) return false;
  if (is_literal(name) || name == "localhost" || name.ends_with(".localhost")) return true;
  const auto listed = [&](std::string_view each) { return each == "*" || name == each; };
  if (std::ranges::any_of(rules.allowed_hosts, listed)) return true;
  return rules.callers_known && rules.allowed_hosts.empty();
}

std::string cross_site(std::string_view host, std::string_view origin,
                       std::string_view fetch_site) {
  if (!fetch_site.empty() && fetch_site != "same-origin" && fetch_site != "none")
    return fmt::format("a page of another site asked for it (Sec-Fetch-Site: {:.20})", fetch_site);
  if (origin.empty()) return {};
  const auto scheme = origin.find("://");
  if (scheme == std::string_view::npos) return "its Origin is none that is served here";
  const bool tls = origin.substr(0, scheme) == "https";
  auto from = take_apart(origin.substr(scheme + 3));
  auto here = take_apart(host);
  // Behind a proxy that ends TLS both leave out their scheme's port.
  const auto usual = tls ? "443" : "80";
  if (from.port == usual) from.port.clear();
  if (here.port == usual) here.port.clear();
  if (from.name == here.name && from.port == here.port) return {};
  return "its Origin is another site";
}

}  // namespace kneepoint::httpd
