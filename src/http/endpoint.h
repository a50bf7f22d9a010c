#pragma once

#include <sys/socket.h>

#include <vector>

#include "base/result.h"
#include "http/url.h"

namespace kneepoint::http {

/// A server's addresses, looked up once: a name server's pause is no part of a measurement.
struct Endpoint {
  struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
  };

  Url url;
  std::vector<Address> addresses;  // in the order the system prefers
};

/// Asks the system's resolver, and waits for it. Refuses https, which the client cannot speak yet.
Result<Endpoint> resolve(const Url& url);

}  // namespace kneepoint::http
