#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "emulator/timing.h"
#include "metrics/histogram.h"
#include "perfmodel/step_time.h"
#include "perfmodel/step_time_noise.h"
#include "sim/engine.h"

namespace kneepoint::emulator {

struct EngineTimingOptions {
  sim::EngineConfig engine;
  std::unique_ptr<perfmodel::StepTimeModel> step_time;  // none: LinearStepTime's defaults
  double step_noise = 0;  // standard deviation of a step's time, as a share of it
  std::uint64_t seed = 0;
  double speed = 1;  // 10: every step takes a tenth of its time
};

/// How well the real clock followed the model's.
struct EnginePace {
  std::int64_t steps = 0;
  Nanos lag_p99{}, lag_max{};  // from the end of a step to when its tokens began to leave
  std::int64_t slips = 0;      // times that the engine was too far behind to catch up,
  Nanos slipped{};             // and by how much its clock was set forward then, all together
};

/// The engine of `sim` by the real clock. A step begins when the one before it ended by the model's
/// clock, however late its tokens left, so lateness does not add up; an idle engine begins with the
/// first request's receipt. What the kernel received before a step begins but was not read by then
/// waits for the next. Further than kMostLag behind, the model's clock is set forward: what cannot
/// be caught up is said in pace() and not played back in a rush.
class EngineTiming final : public Timing {
 public:
  static constexpr Nanos kMostLag = std::chrono::milliseconds(50);

  /// The errors are those of sim::check(), and of a speed or noise out of range.
  static Result<std::unique_ptr<EngineTiming>> make(EngineTimingOptions options);

  bool wants_prompt() const override { return engine_.config().prefix_caching; }
  Result<void> submit(Ticket ticket, Job job) override;
  void cancel(Ticket ticket) override;
  std::optional<Nanos> next() const override;
  /// One step at most, so that requests are read between steps even when it is late.
  void advance(Nanos now, TokenSink& sink) override;
  EngineState state() const override;

  EnginePace pace() const;
  const sim::Engine& engine() const { return engine_; }

 private:
  explicit EngineTiming(EngineTimingOptions options);
  void begin_step(Nanos now);
  void end_step(TokenSink& sink);
  bool has_left(Ticket ticket) const;

  std::unique_ptr<perfmodel::StepTimeModel> step_time_;
  std::optional<perfmodel::NoisyStepTime> noisy_;
  sim::Engine engine_;
  double speed_;
  std::vector<sim::Ticket> tickets_;  // the engine's, by ours
  std::vector<std::uint64_t> hashes_;
  Nanos step_end_{};    // by the model's clock: of the step under way, or of the last
  Nanos first_come_{};  // receipt of the first request since the engine was idle
  Nanos submitted_{};
  bool telling_ = false;         // the engine's lists are being read: no cancelling
  std::vector<Ticket> leavers_;  // who cancelled meanwhile
  metrics::Histogram lag_;
  std::int64_t slips_ = 0;
  Nanos slipped_{};
};

}  // namespace kneepoint::emulator
