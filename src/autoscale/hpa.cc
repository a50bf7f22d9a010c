#include "autoscale/hpa.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace kneepoint::autoscale {
namespace {

constexpr double kTolerance = 0.1;
constexpr Time kDownscaleWindow = std::chrono::seconds(300);

Time seconds(int count) { return std::chrono::seconds(count); }

/// Per direction, both ends included.
struct Tolerances {
  double down = kTolerance, up = kTolerance;
  bool hold(double ratio) const { return 1.0 - down <= ratio && ratio <= 1.0 + up; }
};

Tolerances tolerances_of(const Spec& spec) {
  if (!spec.behavior) return {};
  return {spec.behavior->down.tolerance.value_or(kTolerance),
          spec.behavior->up.tolerance.value_or(kTolerance)};
}

int ceil_of(double replicas) {
  constexpr double kMost = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(std::ceil(replicas), kMost));
}

/// The mean, in whole thousandths, over the target. The division drops the rest, as the
/// controller's does.
double usage_ratio(std::int64_t sum_milli, int pods, std::int64_t target_milli) {
  return static_cast<double>(sum_milli / pods) / static_cast<double>(target_milli);
}

/// Pods that do not report count as idle on the way up and as exactly at the target on the way
/// down, so that a pod that still starts never adds to the change; where that turns the direction
/// round, nothing changes. Pods whose containers do not run yet count on the way up only.
std::optional<int> from_pods(const Sync& seen, const Reading& reading, std::int64_t target,
                             const Tolerances& tolerances) {
  if (reading.pods <= 0) return std::nullopt;
  const double ratio = usage_ratio(reading.sum_milli, reading.pods, target);
  const bool with_pending = seen.pending > 0 && ratio > 1.0;
  if (!with_pending && seen.silent == 0) {
    if (tolerances.hold(ratio)) return seen.replicas;
    return ceil_of(ratio * reading.pods);
  }
  const int pods = reading.pods + seen.silent + (with_pending ? seen.pending : 0);
  const std::int64_t sum = reading.sum_milli + (ratio < 1.0 ? target * seen.silent : 0);
  const double with_all = usage_ratio(sum, pods, target);
  if (tolerances.hold(with_all) || (ratio < 1.0 && with_all > 1.0) ||
      (ratio > 1.0 && with_all < 1.0))
    return seen.replicas;
  const int wanted = ceil_of(with_all * pods);
  const bool turned =
      (with_all < 1.0 && wanted > seen.replicas) || (with_all > 1.0 && wanted < seen.replicas);
  return turned ? seen.replicas : wanted;
}

std::optional<int> from_external(const Sync& seen, const Reading& reading, const Metric& metric,
                                 const Tolerances& tolerances) {
  const auto total = static_cast<double>(reading.sum_milli);
  const auto target = static_cast<double>(metric.target_milli);
  if (metric.kind == MetricKind::ExternalAverage) {
    const double ratio = total / (target * seen.status_replicas);
    // No pods at all: 0 / 0, which is in no tolerance.
    return tolerances.hold(ratio) ? seen.status_replicas : ceil_of(total / target);
  }
  const double ratio = total / target;
  if (seen.replicas == 0) return ceil_of(ratio);
  return tolerances.hold(ratio) ? seen.replicas : ceil_of(ratio * seen.ready);
}

}  // namespace

Rules default_up() {
  return {0, Select::Max, {{PolicyType::Pods, 4, 15}, {PolicyType::Percent, 100, 15}}, {}};
}

Rules default_down() { return {300, Select::Max, {{PolicyType::Percent, 100, 15}}, {}}; }

Hpa::Hpa(Spec spec) : spec_(std::move(spec)) {}

/// Nothing when no metric has an answer, or when those that have one ask for fewer pods: a metric
/// that failed might have asked for more.
std::optional<int> Hpa::recommend(const Sync& seen) const {
  const Tolerances tolerances = tolerances_of(spec_);
  std::optional<int> most;
  bool failed = false;
  for (std::size_t i = 0; i < spec_.metrics.size(); ++i) {
    const Metric& metric = spec_.metrics[i];
    std::optional<int> wanted;
    if (i < seen.readings.size() && seen.readings[i]) {
      wanted = metric.kind == MetricKind::PodsAverage
                   ? from_pods(seen, *seen.readings[i], metric.target_milli, tolerances)
                   : from_external(seen, *seen.readings[i], metric, tolerances);
    }
    if (!wanted) {
      failed = true;
    } else if (!most || *wanted > *most) {
      most = wanted;
    }
  }
  if (failed && most && *most < seen.replicas) return std::nullopt;
  return most;
}

Decision Hpa::sync(const Sync& seen) {
  if (!started_) {
    started_ = true;
    recommendations_.push_back({seen.at, seen.replicas});
  }
  Decision out;
  out.replicas = seen.replicas;
  if (seen.replicas == 0 && spec_.min_replicas != 0) return out;  // somebody turned it off
  if (seen.replicas > spec_.max_replicas) {
    out.replicas = spec_.max_replicas;
  } else if (seen.replicas < spec_.min_replicas) {
    out.replicas = spec_.min_replicas;
  } else {
    const auto wanted = recommend(seen);
    if (!wanted) return out;
    out = spec_.behavior ? with_behavior(seen, *wanted) : without_behavior(seen, *wanted);
    out.recommended = wanted;
  }
  if (out.replicas != seen.replicas) remember_event(seen.at, seen.replicas, out.replicas);
  return out;
}

Decision Hpa::without_behavior(const Sync& seen, int wanted) {
  Decision out;
  int stable = wanted;
  Stamped* old = nullptr;
  for (Stamped& past : recommendations_) {
    if (past.at < seen.at - kDownscaleWindow)
      old = &past;
    else
      stable = std::max(stable, past.replicas);
  }
  if (old != nullptr)
    *old = {seen.at, wanted};
  else
    recommendations_.push_back({seen.at, wanted});
  out.stabilized = stable != wanted;

  const int reach = std::max(2 * seen.replicas, 4);
  const int most = std::min(spec_.max_replicas, reach);
  out.replicas = stable;
  if (stable < spec_.min_replicas) {
    out.replicas = spec_.min_replicas;
    out.limit = Limit::TooFewReplicas;
  } else if (stable > most) {
    out.replicas = most;
    out.limit = spec_.max_replicas > reach ? Limit::ScaleUpLimit : Limit::TooManyReplicas;
  }
  return out;
}

Decision Hpa::with_behavior(const Sync& seen, int wanted) {
  const Rules& up = spec_.behavior->up;
  const Rules& down = spec_.behavior->down;
  const Time up_cutoff = seen.at - seconds(up.stabilization_seconds);
  const Time down_cutoff = seen.at - seconds(down.stabilization_seconds);
  Decision out;
  int at_least = wanted;
  int at_most = wanted;
  Stamped* old = nullptr;
  for (Stamped& past : recommendations_) {
    if (past.at > up_cutoff) at_least = std::min(at_least, past.replicas);
    if (past.at > down_cutoff) at_most = std::max(at_most, past.replicas);
    if (past.at < up_cutoff && past.at < down_cutoff) old = &past;
  }
  const int current = seen.replicas;
  const int stable = std::min(std::max(current, at_least), at_most);
  // What the metrics asked for is kept, not what came of it.
  if (old != nullptr)
    *old = {seen.at, wanted};
  else
    recommendations_.push_back({seen.at, wanted});
  out.stabilized = stable != wanted;

  out.replicas = stable;
  if (stable > current) {
    const int limit = std::max(limit_of(up, true, current, seen.at), current);
    const int most = std::min(spec_.max_replicas, limit);
    if (stable > most) {
      out.replicas = most;
      out.limit = spec_.max_replicas > limit ? Limit::ScaleUpLimit : Limit::TooManyReplicas;
    }
  } else if (stable < current) {
    const int limit = std::min(limit_of(down, false, current, seen.at), current);
    const int least = std::max(spec_.min_replicas, limit);
    if (stable < least) {
      out.replicas = least;
      out.limit = spec_.min_replicas < limit ? Limit::ScaleDownLimit : Limit::TooFewReplicas;
    }
  }
  return out;
}

/// How far one sync may go. A policy counts from where the replicas stood when its period began,
/// as far as the events that are still remembered tell.
int Hpa::limit_of(const Rules& rules, bool up, int current, Time now) const {
  if (rules.select == Select::Disabled) return current;
  std::optional<int> limit;
  for (const Policy& policy : rules.policies) {
    const auto changed = [&](const std::vector<Stamped>& events) {
      int sum = 0;
      for (const Stamped& event : events) {
        if (event.at > now - seconds(policy.period_seconds)) sum += event.replicas;
      }
      return sum;
    };
    const int start = current - changed(ups_) + changed(downs_);
    int proposed = 0;
    if (policy.type == PolicyType::Pods) {
      proposed = up ? start + policy.value : start - policy.value;
    } else if (up) {
      proposed = ceil_of(start * (1 + policy.value / 100.0));
    } else {
      proposed = static_cast<int>(start * (1 - policy.value / 100.0));
    }
    const bool take_larger = up == (rules.select == Select::Max);
    if (!limit)
      limit = proposed;
    else
      limit = take_larger ? std::max(*limit, proposed) : std::min(*limit, proposed);
  }
  return limit.value_or(current);
}

/// An event takes the place of the newest one that is older than every policy of its own direction.
/// One that is lost that way is missing for longer periods of the other direction, here as there.
void Hpa::remember_event(Time now, int from, int to) {
  if (!spec_.behavior) return;
  const bool up = to > from;
  const Rules& rules = up ? spec_.behavior->up : spec_.behavior->down;
  int longest = 0;
  for (const Policy& policy : rules.policies) longest = std::max(longest, policy.period_seconds);
  auto& events = up ? ups_ : downs_;
  Stamped* old = nullptr;
  for (Stamped& event : events) {
    if (event.at < now - seconds(longest)) old = &event;
  }
  const Stamped event{now, up ? to - from : from - to};
  if (old != nullptr)
    *old = event;
  else
    events.push_back(event);
}

std::vector<Decision> replay(const Spec& spec, const std::vector<Sync>& syncs) {
  Hpa hpa(spec);
  std::vector<Decision> out;
  out.reserve(syncs.size());
  for (const Sync& seen : syncs) out.push_back(hpa.sync(seen));
  return out;
}

}  // namespace kneepoint::autoscale
