#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"
#include "metrics/batch_means.h"
#include "metrics/server_signals.h"
#include "metrics/summary.h"
#include "metrics/warmup.h"
#include "workload/spec.h"

/// What a run keeps of each load point, and what every report is made from.
namespace kneepoint::run {

/// Whether the load generator did its own work well enough to be believed.
struct SelfCheck {
  metrics::Spread send_lateness;  // request handed to the kernel - request due
  metrics::Spread read_lag;       // bytes looked at - bytes arrived, by the kernel's stamp
  double core_share = 0;          // CPU seconds per wall second of the busiest thread, 0..1
  double cpu_seconds = 0;         // of all its threads
  double offered_rate = metrics::kMissing;   // requests per second that were to be sent
  double achieved_rate = metrics::kMissing;  // and were
  std::int64_t most_in_flight = 0;           // greatest number of requests out at once
  bool valid = true;
  std::string reason;  // why it is not valid: what was observed and which bound it broke
};

/// Wanted against counted: tokens of the completed requests.
struct TokenCheck {
  std::string prompts;  // what they were made of: "token ids 1000 to 9191"
  double input_wanted_mean = metrics::kMissing;
  double input_counted_mean = metrics::kMissing;  // by the server
  double output_wanted_mean = metrics::kMissing;
  double output_counted_mean = metrics::kMissing;
  std::uint64_t stopped_early = 0;  // answers shorter than asked for
};

/// One second (or a power of two of them) of the run, for time series.
struct Slice {
  Nanos from{};
  Nanos length{};
  std::uint64_t sent = 0, completed = 0, failed = 0;
  double output_tokens_per_second = metrics::kMissing;
  double in_flight_mean = metrics::kMissing;
  double ttft_p50_ms = metrics::kMissing, ttft_p99_ms = metrics::kMissing;
  double itl_p50_ms = metrics::kMissing, itl_p99_ms = metrics::kMissing;
};

/// How often each error was seen; the first body is kept to say why.
struct ErrorCount {
  std::string what;  // "status 503", "closed in mid-stream", "no byte for 60 s" ...
  std::uint64_t count = 0;
  std::string example;  // shortened; never a header
};

/// Why a point ended.
enum class PointEnd { Complete, Confident, TimeCap, Interrupted, ServerGone };
std::string_view name(PointEnd end);

/// A completed load point.
struct PointRecord {
  std::int64_t index = 0;  // in its run
  workload::RunSpec spec;  // what was offered
  std::string started_at;  // UTC, RFC 3339
  Nanos took{};
  PointEnd end = PointEnd::Complete;

  std::uint64_t requests_sent = 0, requests_completed = 0, requests_failed = 0;  // of the whole run
  metrics::Summary summary;                                                      // of the window
  std::string warmup;  // sentence: method and what was cut
  std::optional<metrics::MeanInterval> ttft_interval, e2e_interval;  // milliseconds
  std::optional<metrics::MeanInterval> output_rate_interval;         // tokens per second
  SelfCheck self;
  TokenCheck tokens;
  std::vector<Slice> slices;
  std::vector<ErrorCount> errors;
  std::optional<metrics::ServerSignals> server;
  std::vector<std::string> remarks;  // what a reader must know to read the figures right
  /// Of the window: what percentiles and plots are drawn from. Metric order of kMetrics.
  std::vector<metrics::Histogram> latency;
};

/// Stable keys: docs/schema/bench-report.v1.json. Missing figures are null.
json::Value to_json(const PointRecord& point);
Result<PointRecord> point_from_json(const json::Value& value);

}  // namespace kneepoint::run
