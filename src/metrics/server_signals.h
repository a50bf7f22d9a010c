#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "metrics/metric.h"

namespace kneepoint::metrics {

/// What a model server says of itself at one moment, in words that are the same for every server
/// and version. NaN where it says nothing. Counters count from the start of the server.
struct SignalSample {
  Nanos at{};  // since the start of the run
  double running = kMissing;
  double waiting = kMissing;
  double kv_use = kMissing;  // share of the KV cache in use, 0..1
  double preemptions = kMissing;
  double prompt_tokens = kMissing;
  double generation_tokens = kMissing;
};

/// Mean, and greatest, of a gauge over the samples of a window.
struct GaugeSummary {
  double mean = kMissing;
  double max = kMissing;
};

/// The server's own account of a load point: the gauges over the window, the counters as what was
/// added in it, latencies as the server's means over it (sum and count, not buckets: the lowest
/// bucket of many servers hides what is fast).
struct ServerSignals {
  std::string server, version;  // whose names were used
  std::vector<SignalSample> samples;

  GaugeSummary running, waiting, kv_use;
  double preemptions = kMissing;
  double prompt_tokens_per_second = kMissing;
  double generation_tokens_per_second = kMissing;
  double prefix_hit_share = kMissing;  // of prompt tokens, 0..1
  double ttft_mean_ms = kMissing;
  double tpot_mean_ms = kMissing;
  double itl_mean_ms = kMissing;
  double e2e_mean_ms = kMissing;
  double queue_mean_ms = kMissing;

  /// Series that the catalog promises for this server and version and that were not there, scrapes
  /// that failed, latencies that disagree with the client's: one sentence each.
  std::vector<std::string> warnings;
};

}  // namespace kneepoint::metrics
