#include "emulator/scripted_timing.h"

#include <utility>

#include "emulator/timer_wheel.h"

namespace kneepoint::emulator {
namespace {

/// One request's delays, in the order they are needed.
class Delays {
 public:
  Delays(const Script& script, std::uint64_t number)
      : ttft_(script.seed, "ttft", number), gaps_(script.seed, "gaps", number) {}

  Nanos first(const Script& script) { return script.ttft.draw(ttft_); }
  Nanos next(const Script& script) { return script.gap.draw(gaps_); }

 private:
  Random ttft_, gaps_;
};

class ScriptedTiming final : public Timing {
 public:
  ScriptedTiming(const Script& script, Nanos now) : script_(script), wheel_(now) {}

  Result<void> submit(Ticket ticket, Job job) override {
    if (ticket >= streams_.size()) {
      streams_.resize(ticket + 1, Stream{Delays(script_, 0), Nanos(0), 0, false});
    }
    Stream& stream = streams_[ticket];
    stream.delays = Delays(script_, job.number);
    stream.due = job.received + stream.delays.first(script_);
    stream.left = job.output_tokens;
    stream.started = false;
    ++running_;
    wheel_.set(ticket, stream.due);
    return {};
  }

  void cancel(Ticket ticket) override {
    if (ticket >= streams_.size() || streams_[ticket].left == 0) return;
    streams_[ticket].left = 0;
    --running_;
    wheel_.cancel(ticket);
  }

  std::optional<Nanos> next() const override { return wheel_.next(); }

  void advance(Nanos now, TokenSink& sink) override {
    wheel_.advance(now, [&](TimerWheel::Id id) {
      Stream& stream = streams_[id];
      if (!std::exchange(stream.started, true)) sink.started(id, Nanos(0));
      // The next is set before the sink is told, who may cancel this one or submit another.
      if (--stream.left > 0) {
        stream.due += stream.delays.next(script_);
        wheel_.set(id, stream.due);
      } else {
        --running_;
      }
      sink.tokens(id, 1);
    });
  }

  EngineState state() const override {
    EngineState state;
    state.running = running_;
    return state;
  }

 private:
  struct Stream {
    Delays delays;
    Nanos due;
    std::int64_t left;
    bool started;
  };

  Script script_;
  TimerWheel wheel_;
  std::vector<Stream> streams_;
  std::int64_t running_ = 0;
};

}  // namespace

std::unique_ptr<Timing> scripted_timing(const Script& script, Nanos now) {
  return std::make_unique<ScriptedTiming>(script, now);
}

std::vector<Nanos> scripted_times(const Script& script, std::uint64_t number, std::int64_t tokens) {
  std::vector<Nanos> times;
  Delays delays(script, number);
  Nanos due = delays.first(script);
  for (std::int64_t i = 0; i < tokens; ++i) {
    times.push_back(due);
    due += delays.next(script);
  }
  return times;
}

}  // namespace kneepoint::emulator
