#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kneepoint::httpd {

/// What keeps a page of another site from using a person's own server: the name a browser thinks it
/// is talking to (DNS rebinding), and the site a request comes from.
struct OriginRules {
  /// Names that Host may have beside localhost, lower case; "*": any.
  std::vector<std::string> allowed_hosts;
  /// Whoever asks has shown a token, so a name alone opens nothing: with no allowed_hosts every
  /// name is taken.
  bool callers_known = false;
};

/// Addresses are always taken: a name can be pointed elsewhere, an address cannot.
bool host_allowed(const OriginRules& rules, std::string_view host);

/// Of a request that may change or cost something: empty, or why it is refused. `origin` and
/// `fetch_site` are the fields Origin and Sec-Fetch-Site, empty where not sent: programs send none.
std::string cross_site(std::string_view host, std::string_view origin, std::string_view fetch_site);

}  // namespace kneepoint::httpd
