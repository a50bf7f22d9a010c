#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "workload/generator.h"

namespace kneepoint::sim {

enum class RouterKind { RoundRobin, LeastRequests, LeastKv, PrefixAware };
std::string_view name(RouterKind kind);  // "round-robin", "least-requests", ...
std::optional<RouterKind> parse_router_kind(std::string_view name);

/// What a router sees of a replica, as of now.
struct ReplicaLoad {
  std::int64_t outstanding = 0;  // requests it has and has not ended
  double kv_use = 0;
};

/// Chooses the replica of each request. Ties go to the first.
class Router {
 public:
  virtual ~Router() = default;
  virtual std::size_t choose(const workload::RequestPlan& plan,
                             std::span<const ReplicaLoad> replicas) = 0;
};

/// PrefixAware: the replica of the session's last turn, or of those that have seen the prefix group
/// the one with the fewest requests; with the fewest of all where none has, or where that one has
/// more than twice the least and 8 besides.
std::unique_ptr<Router> make_router(RouterKind kind);

}  // namespace kneepoint::sim
