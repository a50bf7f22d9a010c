#pragma once

#include <sys/socket.h>

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "http/proxy.h"
#include "http/tls.h"
#include "http/url.h"

namespace kneepoint::http {

/// How a server is reached, beside its address.
struct Route {
  TlsOptions tls{};  // for an https address only
  std::optional<Proxy> proxy{};
};

/// A server's addresses, looked up once: a name server's pause is no part of a measurement.
struct Endpoint {
  struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
  };

  Url url;
  std::vector<Address> addresses;  // in the order the system prefers; of the proxy, if there is one
  std::shared_ptr<TlsContext> tls{};  // of an https address
  std::optional<Proxy> proxy{};
};

/// Asks the system's resolver, and waits for it; of a server behind a proxy the name is looked up
/// by the proxy. Reads the files that TLS needs.
Result<Endpoint> resolve(const Url& url, const Route& route = {});

}  // namespace kneepoint::http
