#include "http/endpoint.h"

#include <fmt/format.h>
#include <netdb.h>

#include <cstring>
#include <memory>

namespace kneepoint::http {

Result<Endpoint> resolve(const Url& url) {
  if (url.tls) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("'{}': https is not spoken yet; give the address of a proxy on this "
                            "machine that does",
                            url.to_text()));
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int wrong =
      getaddrinfo(url.host.c_str(), fmt::format("{}", url.port).c_str(), &hints, &list);
  if (wrong != 0) {
    return fail(ErrorCode::Unavailable,
                fmt::format("look up '{}': {}", url.host, gai_strerror(wrong)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
  Endpoint endpoint{.url = url, .addresses = {}};
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    Endpoint::Address& address = endpoint.addresses.emplace_back();
    std::memcpy(&address.storage, item->ai_addr, item->ai_addrlen);
    address.size = item->ai_addrlen;
  }
  if (endpoint.addresses.empty()) {
    return fail(ErrorCode::Unavailable, fmt::format("'{}' has no address", url.host));
  }
  return endpoint;
}

}  // namespace kneepoint::http
