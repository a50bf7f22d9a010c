#include "autoscale/fleet.h"

#include <algorithm>
#include <cmath>

namespace kneepoint::autoscale {
namespace {

std::int64_t milli(double value) { return static_cast<std::int64_t>(value * 1000 + 0.5); }

double at(const std::vector<std::pair<Time, double>>& series, Time now) {
  double value = series.empty() ? 0 : series.front().second;
  for (const auto& [from, then] : series) {
    if (from <= now) value = then;
  }
  return value;
}

}  // namespace

Fleet::Fleet(int replicas, Time startup)
    : startup_(startup), ready_at_(static_cast<std::size_t>(std::max(replicas, 0)), Time::min()) {}

int Fleet::ready(Time now) const {
  return static_cast<int>(
      std::count_if(ready_at_.begin(), ready_at_.end(), [&](Time ready) { return ready <= now; }));
}

void Fleet::scale_to(int replicas, Time now) {
  while (this->replicas() < replicas) ready_at_.push_back(now + startup_);
  // Later pods are ready later, so the newest are also those that are not ready.
  ready_at_.resize(static_cast<std::size_t>(std::max(replicas, 0)));
}

std::vector<Step> run(const Scenario& scenario) {
  Hpa hpa(scenario.spec);
  Fleet fleet(scenario.replicas, scenario.startup);
  std::vector<Step> out;
  for (int i = 0;; ++i) {
    const Time now = scenario.clock.sync(i);
    if (now > scenario.duration) return out;
    Step step{now, fleet.replicas(), fleet.ready(now), at(scenario.total, now), {}};
    Sync seen;
    seen.at = now;
    seen.replicas = seen.status_replicas = step.replicas;
    seen.ready = step.ready;
    seen.silent = step.replicas - step.ready;
    for (const Metric& metric : scenario.spec.metrics) {
      Reading reading{0, milli(step.total)};
      if (metric.kind == MetricKind::PodsAverage) {
        // The metrics API has no answer while nobody reports.
        reading.pods = step.ready;
        reading.sum_milli = step.ready > 0 ? milli(step.total / step.ready) * step.ready : 0;
      }
      seen.readings.emplace_back(reading);
    }
    step.decision = hpa.sync(seen);
    fleet.scale_to(step.decision.replicas, now);
    out.push_back(step);
  }
}

}  // namespace kneepoint::autoscale
