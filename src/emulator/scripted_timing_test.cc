#include "emulator/scripted_timing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "emulator/timer_wheel.h"

namespace kneepoint::emulator {
namespace {

using namespace std::chrono_literals;
using ::testing::IsEmpty;

struct Sink final : TokenSink {
  void started(Ticket ticket, Nanos) override { begun.push_back(ticket); }
  void tokens(Ticket ticket, std::int64_t count) override {
    for (std::int64_t i = 0; i < count; ++i) times[ticket].push_back(now);
    if (then) then(ticket);
  }
  Nanos now{};
  std::vector<Ticket> begun;
  std::map<Ticket, std::vector<Nanos>> times;
  std::function<void(Ticket)> then;
};

void run(Timing& timing, Sink& sink) {
  while (const auto next = timing.next()) {
    sink.now = std::max(sink.now, *next);
    timing.advance(sink.now, sink);
  }
}

Script script(std::uint64_t seed) {
  return {.ttft = parse_delay("lognormal:100ms,0.5").value(),
          .gap = parse_delay("lognormal:10ms,0.3").value(),
          .seed = seed};
}

TEST(ScriptedTiming, ServesTheScriptWithinATick) {
  const auto timing = scripted_timing(script(3), 0ns);
  for (Ticket t = 0; t < 20; ++t) {
    ASSERT_TRUE(timing->submit(t, {.number = t, .received = 1ms * t, .output_tokens = 30}));
  }
  EXPECT_EQ(timing->state().running, 20);
  Sink sink;
  run(*timing, sink);
  EXPECT_EQ(timing->state().running, 0);
  EXPECT_EQ(sink.begun.size(), 20U);
  for (Ticket t = 0; t < 20; ++t) {
    const auto wanted = scripted_times(script(3), t, 30);
    ASSERT_EQ(sink.times[t].size(), 30U);
    for (std::size_t i = 0; i < 30; ++i) {
      EXPECT_GE(sink.times[t][i], 1ms * t + wanted[i]);
      EXPECT_LT(sink.times[t][i], 1ms * t + wanted[i] + TimerWheel::kTick);
    }
  }
}

TEST(ScriptedTiming, TheSameSeedIsTheSameScriptAndAnotherIsNot) {
  EXPECT_EQ(scripted_times(script(3), 7, 50), scripted_times(script(3), 7, 50));
  EXPECT_NE(scripted_times(script(3), 7, 50), scripted_times(script(4), 7, 50));
  EXPECT_NE(scripted_times(script(3), 7, 50), scripted_times(script(3), 8, 50));
  // A longer answer has the shorter one's times first.
  auto longer = scripted_times(script(3), 7, 80);
  longer.resize(50);
  EXPECT_EQ(longer, scripted_times(script(3), 7, 50));
}

TEST(ScriptedTiming, ACancelledRequestHasNoMoreTokens) {
  const auto timing = scripted_timing(script(3), 0ns);
  for (Ticket t = 0; t < 2; ++t) {
    ASSERT_TRUE(timing->submit(t, {.number = t, .received = 0ns, .output_tokens = 30}));
  }
  Sink sink;
  sink.then = [&](Ticket ticket) {
    if (ticket == 1 && sink.times[1].size() == 3) timing->cancel(1);
  };
  run(*timing, sink);
  EXPECT_EQ(sink.times[0].size(), 30U);
  EXPECT_EQ(sink.times[1].size(), 3U);
  EXPECT_EQ(timing->state().running, 0);
}

}  // namespace
}  // namespace kneepoint::emulator
