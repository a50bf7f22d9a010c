#include "http/endpoint.h"

#include <fmt/format.h>
#include <netdb.h>

#include <cstring>
#include <memory>
#include <utility>

namespace kneepoint::http {

Result<Endpoint> resolve(const Url& url, const Route& route) {
  Endpoint endpoint{.url = url, .addresses = {}, .tls = {}, .proxy = route.proxy};
  if (url.tls) {
    auto tls = open_tls(url.host, route.tls);
    if (!tls) return fail(std::move(tls.error()));
    endpoint.tls = std::move(*tls);
  }
  const Url& next = route.proxy ? route.proxy->url : url;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int wrong =
      getaddrinfo(next.host.c_str(), fmt::format("{}", next.port).c_str(), &hints, &list);
  if (wrong != 0) {
    return fail(ErrorCode::Unavailable,
                fmt::format("look up '{}': {}", next.host, gai_strerror(wrong)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(list, freeaddrinfo);
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    Endpoint::Address& address = endpoint.addresses.emplace_back();
    std::memcpy(&address.storage, item->ai_addr, item->ai_addrlen);
    address.size = item->ai_addrlen;
  }
  if (endpoint.addresses.empty()) {
    return fail(ErrorCode::Unavailable, fmt::format("'{}' has no address", next.host));
  }
  return endpoint;
}

}  // namespace kneepoint::http
