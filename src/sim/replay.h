#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "metrics/timeline.h"
#include "sim/clients.h"
#include "sim/engine.h"
#include "workload/spec.h"

namespace kneepoint::sim {

struct ReplayOptions {
  /// An event for each token, as a server streams them. Without, an answer has two, its first token
  /// and all others at its end: TTFT, TPOT and end-to-end are the same, gaps are not seen.
  bool every_token = true;
};

/// A run spec played against one engine in virtual time: what the load generator would have seen
/// of a server that takes exactly the model's time and a network that takes none. The timelines
/// are of the type the load generator yields, so the same code sums them up. The same spec, config
/// and model give the same timelines. After 100,000 refused requests in a row nothing more is sent.
/// One thread.
class Replay {
 public:
  /// Errors are those of check() and of Generator::open(). The model outlives this.
  static Result<Replay> open(const workload::RunSpec& spec, const EngineConfig& config,
                             perfmodel::StepTimeModel& model, const ReplayOptions& options = {});

  /// Plays the steps that begin before `until`. False when the run is over.
  bool run_until(Nanos until);
  /// To the end. A run without one (closed loop with neither number nor duration) is no spec.
  void run();
  /// Nothing more is sent; what is out is played to its end by run().
  void stop_sending() { clients_.stop(); }

  Nanos now() const { return now_; }
  const Engine& engine() const { return engine_; }
  std::int64_t most_in_flight() const { return most_in_flight_; }

  /// In the order they were sent; those still out are not whole yet (has_ended()).
  const std::vector<metrics::Timeline>& timelines() const { return timelines_; }
  bool has_ended(std::size_t request) const { return ended_[request]; }
  /// The whole ones; the replay is spent.
  std::vector<metrics::Timeline> take_timelines() &&;

 private:
  Replay(const workload::RunSpec& spec, workload::Generator generator, const EngineConfig& config,
         perfmodel::StepTimeModel& model, const ReplayOptions& options);

  void send(Nanos until, bool freed);
  void step();
  void end(std::size_t request, metrics::Outcome outcome, Nanos at);

  ReplayOptions options_;
  bool prompts_repeat_;
  Clients clients_;
  Engine engine_;
  Nanos now_{};
  std::vector<metrics::Timeline> timelines_;
  std::vector<std::uint32_t> sessions_;  // of each timeline
  std::vector<bool> ended_;
  std::int64_t most_in_flight_ = 0;
  std::int64_t refused_in_a_row_ = 0;
};

/// A prompt is asked again where prompts repeat, an answer where the session goes on; the words
/// that came before a turn are those of the turns before it.
Content content_of(const workload::RequestPlan& plan, bool prompts_repeat);

/// A run from begin to end.
struct ReplayResult {
  std::vector<metrics::Timeline> timelines;  // in the order they were sent
  EngineState engine;                        // at the end
  Nanos took{};
  std::int64_t most_in_flight = 0;
};
Result<ReplayResult> replay(const workload::RunSpec& spec, const EngineConfig& config,
                            perfmodel::StepTimeModel& model, const ReplayOptions& options = {});

}  // namespace kneepoint::sim
