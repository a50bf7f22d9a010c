#pragma once

#include <optional>
#include <string_view>

#include "metrics/metric.h"

namespace kneepoint::curve {

/// What was held while a point was measured: clients in flight (closed loop), requests per second
/// offered (open loop), or a burst of requests all sent at once (not a steady state).
enum class LoadKind { Concurrency, RequestRate, Burst };

std::string_view name(LoadKind kind);  // "concurrency", "request_rate", "burst"
std::optional<LoadKind> parse_load_kind(std::string_view name);
std::string_view unit(LoadKind kind);  // "clients", "requests/s", "requests"

/// One steady state at one offered load. Rates are per second for the whole replica; NaN where
/// nobody published the figure.
struct LoadPoint {
  double load = metrics::kMissing;
  double requests_per_second = metrics::kMissing;
  double output_tokens_per_second = metrics::kMissing;
  double input_tokens_per_second = metrics::kMissing;
  metrics::LatencyTable latency;
};

}  // namespace kneepoint::curve
