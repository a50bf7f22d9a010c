#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "metrics/histogram.h"
#include "metrics/metric.h"
#include "metrics/timeline.h"

namespace kneepoint::metrics {

/// What a report prints of one metric, in milliseconds; NaN where nothing was measured. Mean and
/// greatest are exact, percentiles within Histogram::kRelativeError.
struct Spread {
  std::uint64_t values = 0;  // requests; gaps for ITL
  double mean = kMissing;
  double p50 = kMissing;
  double p90 = kMissing;
  double p95 = kMissing;
  double p99 = kMissing;
  double max = kMissing;
};
Spread spread(const Histogram& histogram);

/// The part of a run that is measured, warm-up cut and drain left out: from inclusive, to not.
struct Window {
  Nanos from{};
  Nanos to{};
  bool holds(Nanos time) const { return from <= time && time < to; }
  Nanos length() const { return to - from; }
  friend bool operator==(const Window&, const Window&) = default;
};
/// From the first request due until just past the last one's end.
Window whole_run(std::span<const Timeline> timelines);

/// A bound of goodput on each request by itself: its metric at most `at_most`, for ITL its longest
/// gap.
struct Bound {
  Metric metric;
  Nanos at_most;
  friend bool operator==(const Bound&, const Bound&) = default;
};

/// Completed, and within all bounds. An answer of one token has no TPOT and no ITL, and so meets
/// any bound on them. What could not be seen for another reason (no token at all; the TTFT of an
/// answer that was not streamed) meets none.
bool is_good(const Timeline& timeline, const StreamingPattern& pattern,
             std::span<const Bound> bounds);

/// The counts of one part of a run, by request. Parts add up: each worker tallies its own timelines
/// and one place merges them, in any order.
///
/// Latencies, outcomes and goodput are of the requests due in the window; rates are of the requests
/// that completed in it, whenever they were due. So a request counts where the load it stands for
/// was, and tokens where they were delivered. Latencies are of completed requests only: read them
/// beside the count of the others.
struct Tally {
  Window window;
  std::vector<Bound> bounds;
  StreamingPattern pattern;

  std::array<Histogram, kMetrics.size()> latency;
  Histogram send_delay;
  std::array<std::uint64_t, kOutcomes.size()> by_outcome{};
  std::uint64_t good = 0;

  std::uint64_t completed = 0;  // in the window, whenever due; the five below are of these
  std::uint64_t counted_by_usage = 0;
  std::uint64_t counted_by_events = 0;
  std::uint64_t counts_disagree = 0;
  Tokens input;  // of those with usage: nobody else knows
  Tokens output;

  /// Parts of one run: the same window and bounds, else Conflict and nothing is added.
  Result<void> merge(const Tally& other);

  // For a run whose timelines are not kept. `pattern` must be set before.

  /// A request due in the window: its latencies, outcome and goodput.
  void add_due(const Timeline& timeline);
  /// A completed request that ended in the window: what the rates are made of.
  void add_completed(const Timeline& timeline);
  /// The stretch of the same run that follows this one: the window reaches to its end.
  void append(const Tally& next);
};

Tally tally(std::span<const Timeline> timelines, const Window& window,
            std::span<const Bound> bounds = {});
/// With the pattern of the whole run, for parts that alone are too few to see it. Merged parts that
/// saw different ones are Mixed, with the greater tokens per event.
Tally tally(std::span<const Timeline> timelines, const Window& window,
            std::span<const Bound> bounds, const StreamingPattern& pattern);

struct Summary {
  Window window;
  std::array<Spread, kMetrics.size()> latency;
  Spread send_delay;  // our own lateness

  std::uint64_t requests = 0;  // due in the window; the sum of by_outcome
  std::array<std::uint64_t, kOutcomes.size()> by_outcome{};

  std::vector<Bound> bounds;
  /// Of all requests due in the window, failed ones too, the share that was good. Nothing without
  /// bounds or requests.
  std::optional<double> good_share;
  std::optional<Rate<Requests>> goodput;

  // Nothing for an empty window. Input only where the server told it for every request.
  std::optional<Rate<Requests>> requests_per_second;
  std::optional<Rate<Tokens>> output_rate;
  std::optional<Rate<Tokens>> input_rate;

  /// "usage", "events", "usage of 90 requests, events of 10", or "" when none completed.
  std::string tokens_counted_by;
  std::uint64_t counts_disagree = 0;
  StreamingPattern pattern;

  const Spread& of(Metric metric) const { return latency[static_cast<std::size_t>(metric)]; }
  std::uint64_t of(Outcome outcome) const { return by_outcome[static_cast<std::size_t>(outcome)]; }
};
Summary summarize(const Tally& tally);

/// What a reader of the figures must know to read them right, one sentence each; none for a clean
/// run: tokens counted by events, counts that disagree, an ITL that is marked, requests lost.
std::vector<std::string> remarks(const Summary& summary);

}  // namespace kneepoint::metrics
