#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "metrics/summary.h"
#include "metrics/timeline.h"
#include "sim/replica.h"
#include "sim/request_record.h"
#include "sim/router.h"
#include "workload/spec.h"

/// The load generator's own spec played against a fleet of simulated servers in virtual time. What
/// comes out is what the load generator would have measured of servers that take exactly the
/// models' times and a network that takes none, in the types that it reports with.
namespace kneepoint::sim {

struct FleetConfig {
  ReplicaConfig replica;
  std::int64_t replicas = 1;
  RouterKind router = RouterKind::LeastRequests;
  friend bool operator==(const FleetConfig&, const FleetConfig&) = default;
};
/// The error names the member.
Result<void> check(const FleetConfig& config);

/// Hears of a run as it is played, for whoever counts in a way of his own.
class FleetObserver {
 public:
  virtual ~FleetObserver() = default;
  /// `times` tokens came at `now`, each `gap` after the one before it of its request.
  virtual void gaps(Nanos now, Nanos gap, std::uint64_t times) = 0;
  /// `number`: in the order in which requests were sent, from 0.
  virtual void ended(std::size_t number, const RequestRecord& request) = 0;
  /// All that was told is void: the run is played once more, from its start.
  virtual void starts_again() = 0;
};

struct FleetOptions {
  enum class Keep {
    Counts,      // no timelines: the tally only. A run of 100,000 requests needs a few MB
    Timelines,   // each with two events, its first token and the rest at its end
    EveryToken,  // ... with an event for each step it got tokens in, as a server streams them
  };
  Keep keep = Keep::Counts;
  /// Of the run: what the tally counts. Empty: from the first request due to the last answer.
  metrics::Window window{};
  std::vector<metrics::Bound> bounds{};  // of goodput; those on ITL need EveryToken
  /// A request that follows an answer misses the step that begins as the answer ends, as with any
  /// client across a network, however fast. Else it is in it.
  bool misses_the_step = false;
  /// Off, with Keep::Counts: ITL is not to be read, and many steps of a closed loop are played at
  /// once, their times added up to a nanosecond each.
  bool gaps = true;
  /// With Keep::Counts: is told of everything, and the tally stays empty.
  FleetObserver* observer = nullptr;
};

struct ReplicaResult {
  std::int64_t requests = 0;  // routed to it
  EngineState engines;        // at the end, added up; kv_use is the mean over the run
  // Means over the run.
  double running = 0, waiting = 0;  // sequences
  double busy = 0;                  // share of the time in which an engine steps; mean of engines
};

struct FleetResult {
  /// The same in every mode, but that without EveryToken the tokens of one draft are evenly apart.
  /// Input and output are counted by usage.
  metrics::Tally tally;
  std::vector<metrics::Timeline> timelines;  // in the order they were sent, where kept
  std::vector<ReplicaResult> replicas;
  Nanos took{};               // from the start to the last answer
  std::int64_t requests = 0;  // sent; = completed + refused, as all answers are played out
  std::int64_t completed = 0, refused = 0;
  std::int64_t most_in_flight = 0;
  double in_flight_mean = 0;  // from the start to the last answer
  std::int64_t steps = 0;
};

/// Errors: those of check() and of Generator::open(), and a run without an end. The same arguments
/// give the same bytes. After 100,000 refused requests in a row nothing more is sent.
Result<FleetResult> simulate_fleet(const workload::RunSpec& spec, const FleetConfig& config,
                                   const StepModels& models, const FleetOptions& options = {});

}  // namespace kneepoint::sim
