#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "http/client.h"
#include "http/loop.h"
#include "loadgen/target.h"
#include "metrics/server_signals.h"
#include "metrics/summary.h"
#include "run/point.h"
#include "workload/spec.h"

namespace kneepoint::loadgen {

/// How a running point stands.
struct Progress {
  Nanos elapsed{};
  std::optional<Nanos> left;  // where the end is known: by time, or by requests at this pace
  bool draining = false;
  std::uint64_t sent = 0, completed = 0, errors = 0;
  std::int64_t in_flight = 0;
  // Since the last report; NaN where nothing came.
  double completed_per_second = metrics::kMissing;
  double tokens_per_second = metrics::kMissing;  // events, until usage is known
  double ttft_ms = metrics::kMissing;            // means
  double tpot_ms = metrics::kMissing;
};

struct PointOptions {
  std::int64_t index = 0;  // in its run
  std::string prompts;     // what they are made of, for the record
  /// Which requests are not measured, being of the warm-up. Nothing: found from the data. Zero:
  /// none, and rates are of the whole run from the first request to the end of the last answer.
  /// Else those due before this time.
  std::optional<Nanos> warm_up;
  std::vector<metrics::Bound> bounds;
  /// End as soon as the half widths of the 95 % intervals of mean TTFT, mean end-to-end time and
  /// token rate are below this share of them.
  std::optional<double> confident_within;
  Nanos least{std::chrono::seconds(2)};  // not before
  std::optional<Nanos> time_cap;         // no request after this
  /// How long answers may still take after the last request; then they are cancelled.
  Nanos drain{std::chrono::seconds(60)};
  /// Asked ten times a second: true ends the point at once, what is out is cancelled.
  std::function<bool()> interrupted;
  std::function<void(const Progress&)> progress;  // once a second
  /// The clock starts: every time of the point counts from here.
  std::function<void(http::Time)> started;
  /// Each request as it ends. The timeline is gone after the call.
  std::function<void(const workload::RequestPlan&, const metrics::Timeline&)> ended;
};

/// Runs load points against one target on the thread of its loop, one after another. Open loop
/// first: a request's clock starts when it was due, also when it could not be sent then.
///
/// Before the clock starts connections are opened and requests written; from then on no allocation
/// grows with the number of requests: a timeline lives while its request is out. Every wait has a
/// bound: a server that stalls, refuses or dies ends the point, and the record says so.
class PointRunner {
 public:
  /// `most_out`: requests out at once whatever the spec says, for want of descriptors.
  static Result<std::unique_ptr<PointRunner>> open(http::Loop& loop, const Target& target,
                                                   std::unique_ptr<workload::PromptMaker> prompts,
                                                   std::int64_t most_out);
  ~PointRunner();

  /// An error: the spec cannot be run. What the server does is in the record.
  Result<run::PointRecord> run(const workload::RunSpec& spec, const PointOptions& options);

 private:
  class Point;
  struct State;
  explicit PointRunner(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// How many sockets this process may still open, with room for its files.
std::int64_t most_connections();

}  // namespace kneepoint::loadgen
