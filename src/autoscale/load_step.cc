#include "autoscale/load_step.h"

#include <algorithm>
#include <cmath>

namespace kneepoint::autoscale {
namespace {

constexpr Time kTick = std::chrono::seconds(1);
constexpr Time kSettling = std::chrono::minutes(30);  // before the step

/// What a scrape would have found.
struct Moment {
  int ready = 0;
  double running = 0, waiting = 0;  // of all replicas
};

std::int64_t milli(double value) { return static_cast<std::int64_t>(std::llround(value * 1000)); }

double total(const LoadStep& step, const Moment& moment) {
  switch (step.signal) {
    case Signal::Running:
      return moment.running;
    case Signal::Queue:
      return moment.waiting;
    case Signal::KvCache:
      return std::min(moment.running * step.server.cache_per_request, double(moment.ready));
  }
  return 0;
}

Sync seen_at(Time now, const LoadStep& step, const Fleet& fleet, const Moment& then) {
  Sync seen;
  seen.at = now;
  seen.replicas = seen.status_replicas = fleet.replicas();
  seen.ready = fleet.ready(now);
  const int reporting = std::min(then.ready, fleet.replicas());
  seen.silent = fleet.replicas() - reporting;
  for (const Metric& metric : step.spec.metrics) {
    const double all = total(step, then);
    const bool pods = metric.kind == MetricKind::PodsAverage;
    const double share = pods && then.ready > 0 ? double(reporting) / then.ready : 1;
    seen.readings.emplace_back(Reading{pods ? reporting : 0, milli(all * share)});
  }
  return seen;
}

/// Into how many parts a second is cut, so that requests that take less than that settle instead of
/// swinging from one second to the next.
int parts_of_a_second(const Server& server) {
  std::pair<double, double> below{0, 0};
  double steepest = 0;  // of what one request more is served faster
  for (const auto& point : server.rates) {
    const double width = point.first - below.first;
    if (width > 0) steepest = std::max(steepest, (point.second - below.second) / width);
    below = point;
  }
  return static_cast<int>(std::clamp(std::ceil(2 * steepest), 1.0, 100.0));
}

/// In balance: as many requests as one replica needs at once for its part of the rate.
double in_balance(const LoadStep& step) {
  const double each = step.rate_before / std::max(step.replicas, 1);
  double low = 0;
  double high = step.server.most_running;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (step.server.rate(middle) < each ? low : high) = middle;
  }
  return high;
}

}  // namespace

double Server::rate(double running) const {
  std::pair<double, double> below{0, 0};
  for (const auto& point : rates) {
    if (running <= point.first) {
      const double width = point.first - below.first;
      if (width <= 0) return point.second;
      return below.second + (point.second - below.second) * (running - below.first) / width;
    }
    below = point;
  }
  return below.second;
}

StepAnswer answer(const LoadStep& step) {
  Hpa hpa(step.spec);
  Fleet fleet(step.replicas, step.startup);
  StepAnswer out;
  out.peak = fleet.replicas();
  const double usual = in_balance(step);
  double requests = usual * step.replicas;
  std::vector<Moment> history;
  int syncs = 0;
  const int parts = parts_of_a_second(step.server);
  const auto working_on = [&](int ready) {  // each
    return ready > 0 ? std::min(requests / ready, step.server.most_running) : 0;
  };
  const auto ticks = (kSettling + step.duration) / kTick;
  for (long tick = 0; tick < ticks; ++tick) {
    const Time now = tick * kTick;
    const bool stepped = now >= kSettling;
    const double rate = stepped ? step.rate_after : step.rate_before;
    const int ready = fleet.ready(now);
    const double each = working_on(ready);
    const double served = ready * step.server.rate(each);
    history.push_back({ready, each * ready, std::max(requests - each * ready, 0.0)});
    if (!stepped) out.before = fleet.replicas();
    if (stepped) {
      const Time since = now - kSettling;
      if (!out.enough && ready >= step.needed) out.enough = since;
      // A replica's usual number of requests, and a tenth more.
      if (out.enough && !out.caught_up && ready > 0 && requests / ready <= usual * 1.1)
        out.caught_up = since;
      if (served > 0)
        out.longest_wait_seconds = std::max(out.longest_wait_seconds, requests / served);
    }
    for (; step.clock.sync(syncs) < now + kTick; ++syncs) {
      const Time at = step.clock.sync(syncs);
      const auto old = std::max<long>(0, tick - static_cast<long>(step.metric_delay / kTick));
      const int before = fleet.replicas();
      const int wanted = hpa.sync(seen_at(at, step, fleet, history[old])).replicas;
      if (wanted == before) continue;
      fleet.scale_to(wanted, at);
      if (stepped) out.changes.emplace_back(at - kSettling, wanted);
      out.peak = std::max(out.peak, wanted);
    }
    for (int part = 0; part < parts; ++part) {
      const double done = ready * step.server.rate(working_on(ready));
      requests = std::max(0.0, requests + (rate - done) / parts);
    }
  }
  out.last = fleet.replicas();
  return out;
}

}  // namespace kneepoint::autoscale
