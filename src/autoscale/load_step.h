#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "autoscale/fleet.h"

namespace kneepoint::autoscale {

/// What an autoscaler of model servers can look at.
enum class Signal { Running, Queue, KvCache };

/// Of one replica: how fast it serves so many requests at once. Between the points in a straight
/// line, from nothing at none; past the last one no faster.
struct Server {
  std::vector<std::pair<double, double>> rates;  // requests that run, requests/s; ascending
  double most_running = 256;                     // what comes on top waits
  double cache_per_request = 0;                  // share of the KV cache, for that signal

  double rate(double running) const;
};

/// A load that jumps from one rate to another and stays. `rate_before` is one that the replicas
/// serve with most_running requests each; if not, work piles up and replicas are added before the
/// step.
struct LoadStep {
  Spec spec;  // one metric
  Signal signal = Signal::Running;
  Server server;
  double rate_before = 0, rate_after = 0;  // requests/s
  int replicas = 1;                        // at the start, all ready, in balance with rate_before
  int needed = 1;                          // replicas that carry rate_after as planned
  Time startup{};                          // from being asked for to serving
  Time metric_delay{};                     // how old what the controller sees is
  Time duration = std::chrono::hours(2);
  Clock clock;
};

struct StepAnswer {
  int before = 0;                 // replicas when the load jumps, after half an hour of rate_before
  int peak = 0, last = 0;         // replicas
  std::optional<Time> enough;     // after the step: `needed` replicas serve
  std::optional<Time> caught_up;  // after the step: what piled up meanwhile is gone
  double longest_wait_seconds = 0;            // of a request, by Little's law
  std::vector<std::pair<Time, int>> changes;  // of the replicas, from the step on
};

/// Requests as a fluid, spread evenly over the replicas that serve, second by second; the HPA as
/// the controller runs it. Nobody gives up waiting.
StepAnswer answer(const LoadStep& step);

}  // namespace kneepoint::autoscale
