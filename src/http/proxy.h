#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/url.h"

namespace kneepoint::http {

/// An HTTP proxy that is spoken to in the clear: http requests go through it as they are, https in
/// a tunnel it opens.
struct Proxy {
  Url url;
  std::string user_and_password;  // "user:password", a secret; empty: none

  /// The value of Proxy-Authorization, a secret too; empty: none.
  std::string authorization() const;
};

/// "http://[user:password@]host:port", the scheme may be missing. No error repeats what stands
/// before the '@'.
Result<Proxy> parse_proxy(std::string_view text);

/// What the environment's variables of these names hold, or a user's flags; empty: not given.
struct ProxySettings {
  std::string http_proxy{};
  std::string https_proxy{};
  /// Separated by commas: "*"; a name, which stands for those below it too ("example.com" and
  /// ".example.com" alike); an address; a network ("10.0.0.0/8"); each with a ":port" or without.
  std::string no_proxy{};
};

/// The proxy to use for a server. None for what no_proxy names and for this machine itself
/// ("localhost" and loopback addresses): what is measured there is not behind a proxy.
Result<std::optional<Proxy>> pick_proxy(const Url& url, const ProxySettings& settings);

}  // namespace kneepoint::http
