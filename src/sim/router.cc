#include "sim/router.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

namespace kneepoint::sim {
namespace {

constexpr std::array<std::string_view, 4> kNames{"round-robin", "least-requests", "least-kv",
                                                 "prefix-aware"};

std::size_t with_fewest(std::span<const ReplicaLoad> replicas) {
  const auto least = std::ranges::min_element(replicas, {}, &ReplicaLoad::outstanding);
  return static_cast<std::size_t>(least - replicas.begin());
}

class RoundRobin final : public Router {
 public:
  std::size_t choose(const workload::RequestPlan&, std::span<const ReplicaLoad> replicas) override {
    return next_++ % replicas.size();
  }

 private:
  std::size_t next_ = 0;
};

class LeastRequests final : public Router {
 public:
  std::size_t choose(const workload::RequestPlan&, std::span<const ReplicaLoad> replicas) override {
    return with_fewest(replicas);
  }
};

class LeastKv final : public Router {
 public:
  std::size_t choose(const workload::RequestPlan&, std::span<const ReplicaLoad> replicas) override {
    std::size_t best = 0;
    for (std::size_t i = 1; i < replicas.size(); ++i) {
      const ReplicaLoad &a = replicas[i], &b = replicas[best];
      if (a.kv_use < b.kv_use || (a.kv_use == b.kv_use && a.outstanding < b.outstanding)) best = i;
    }
    return best;
  }
};

class PrefixAware final : public Router {
 public:
  std::size_t choose(const workload::RequestPlan& plan,
                     std::span<const ReplicaLoad> replicas) override {
    const std::size_t fewest = with_fewest(replicas);
    std::size_t chosen = fewest;
    if (plan.turn > 0) {
      const auto at = sessions_.find(plan.session);
      if (at != sessions_.end()) chosen = at->second;
    } else if (plan.prefix_group) {
      auto& seen = seen_[*plan.prefix_group];
      seen.resize(replicas.size());
      bool any = false;
      for (std::size_t i = 0; i < replicas.size(); ++i) {
        if (!seen[i]) continue;
        if (!any || replicas[i].outstanding < replicas[chosen].outstanding) chosen = i;
        any = true;
      }
    }
    if (replicas[chosen].outstanding > 2 * replicas[fewest].outstanding + 8) chosen = fewest;
    if (plan.turn == 0 && plan.prefix_group) seen_[*plan.prefix_group][chosen] = true;
    if (plan.turn + 1 < plan.turns) {
      sessions_[plan.session] = chosen;
    } else if (plan.turns > 1) {
      sessions_.erase(plan.session);
    }
    return chosen;
  }

 private:
  std::unordered_map<std::int64_t, std::vector<bool>> seen_;  // by group
  std::unordered_map<std::int64_t, std::size_t> sessions_;
};

}  // namespace

std::string_view name(RouterKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<RouterKind> parse_router_kind(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<RouterKind>(i);
  }
  return std::nullopt;
}

std::unique_ptr<Router> make_router(RouterKind kind) {
  switch (kind) {
    case RouterKind::RoundRobin:
      return std::make_unique<RoundRobin>();
    case RouterKind::LeastRequests:
      return std::make_unique<LeastRequests>();
    case RouterKind::LeastKv:
      return std::make_unique<LeastKv>();
    case RouterKind::PrefixAware:
      break;
  }
  return std::make_unique<PrefixAware>();
}

}  // namespace kneepoint::sim
