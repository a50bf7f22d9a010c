// Anything may stand in a request line: it is taken apart and routed, or refused.
#include <cstdint>
#include <cstdlib>

#include "httpd/router.h"

namespace {

using namespace kneepoint::httpd;

const Router& router() {
  static const Router made = [] {
    std::vector<Route> routes;
    for (const auto* path :
         {"/v1/models:fetch", "/kneepoint/v1/jobs/{id}", "/kneepoint/v1/jobs/{id}:cancel",
          "/kneepoint/v1/models/{id=**}", "/kneepoint/v1/models/{id=**}:info", "/healthz"}) {
      Route route;
      route.method = "GET";
      route.path = path;
      routes.push_back(std::move(route));
    }
    return std::move(*Router::make(std::move(routes)));
  }();
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto target = parse_target({reinterpret_cast<const char*>(data), size});
  if (!target) return 0;
  for (const auto& segment : target->segments)
    if (segment.empty() || segment == "." || segment == "..") std::abort();
  const auto match = router().find("GET", target->segments);
  if (match.route && match.route->path.find('{') != std::string::npos &&
      match.parameters.size() != 1)
    std::abort();
  for (const auto& [name, value] : match.parameters)
    if (value.empty() || target->path().find(value) == std::string::npos) std::abort();
  return 0;
}
