#include "sim/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "metrics/summary.h"
#include "perfmodel/step_time_noise.h"

namespace kneepoint::sim {
namespace {

using namespace std::chrono_literals;
using metrics::Outcome;
using metrics::Timeline;
using perfmodel::LinearStepTime;
using ::testing::HasSubstr;
using workload::RunSpec;

workload::LengthSpec length(std::string_view text) { return *workload::parse_length(text); }

RunSpec open_loop(double rate, std::int64_t requests) {
  RunSpec out;
  out.seed = 3;
  out.arrivals = workload::Arrivals{.rate = rate};
  out.lengths.input = length("uniform:50,300");
  out.lengths.output = length("uniform:20,200");
  out.requests = requests;
  return out;
}
RunSpec closed_loop(std::int64_t clients, std::int64_t requests) {
  RunSpec out = open_loop(1, requests);
  out.arrivals.reset();
  out.in_flight = clients;
  return out;
}
RunSpec with_sessions(RunSpec spec) {
  spec.sessions =
      workload::Sessions{.turns = length("uniform:1,4"), .think = *workload::parse_think_time("2")};
  return spec;
}

ReplayResult played(const RunSpec& spec, const EngineConfig& config = {},
                    const ReplayOptions& options = {}) {
  LinearStepTime model;
  auto result = replay(spec, config, model, options);
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}

/// Every figure of every timeline.
std::string bytes(const std::vector<Timeline>& timelines) {
  std::string out;
  const auto add = [&](auto number) { out += std::to_string(number) + ' '; };
  for (const Timeline& t : timelines) {
    add(t.due.count());
    add(t.sent->count());
    add(t.end.count());
    for (const auto& event : t.events) add(event.after_due().count());
    out += '\n';
  }
  return out;
}

/// How many are out, over time.
std::int64_t most_out(const std::vector<Timeline>& timelines) {
  std::vector<std::pair<Nanos, int>> changes;
  for (const Timeline& t : timelines) {
    changes.emplace_back(*t.sent, 1);
    changes.emplace_back(t.end, -1);
  }
  std::ranges::sort(changes);  // at one time those that end come first
  std::int64_t out = 0, most = 0;
  for (const auto& [at, change] : changes) most = std::max(most, out += change);
  return most;
}

TEST(Replay, TakesForALoneRequestWhatItsStepsTake) {
  RunSpec spec = open_loop(1, 1);
  spec.lengths.input = length("100");
  spec.lengths.output = length("3");
  const ReplayResult result = played(spec);
  ASSERT_EQ(result.timelines.size(), 1u);
  const Timeline& t = result.timelines.front();
  LinearStepTime model;
  const perfmodel::PrefillChunk chunk{.tokens = 100};
  const Nanos first =
      model.step_time({.prefills = {&chunk, 1}, .prefill_tokens = 100, .prompts_ended = 1});
  const Nanos second = model.step_time({.decodes = 1, .decode_context = 100});
  const Nanos third = model.step_time({.decodes = 1, .decode_context = 101});
  EXPECT_EQ(metrics::ttft(t), first);
  ASSERT_EQ(t.events.size(), 3u);
  EXPECT_EQ(t.events[1].after_due(), first + second);
  EXPECT_EQ(metrics::e2e(t), first + second + third);
  EXPECT_EQ(t.end, t.due + first + second + third);
}

TEST(Replay, RepeatsForTheSameSeed) {
  const RunSpec spec = with_sessions(open_loop(8, 300));
  const auto once = [&](std::uint64_t seed) {
    LinearStepTime plain;
    perfmodel::NoisyStepTime noisy(plain, 0.2, seed);
    return bytes(replay(spec, {}, noisy)->timelines);
  };
  EXPECT_EQ(once(1), once(1));
  EXPECT_NE(once(1), once(2));
}

TEST(Replay, AnswersEveryRequestOfTheSpec) {
  EngineConfig tight;
  tight.num_blocks = 200;
  for (const RunSpec& spec :
       {open_loop(20, 400), closed_loop(24, 400), with_sessions(open_loop(5, 400)),
        with_sessions(closed_loop(24, 400))}) {
    const ReplayResult result = played(spec, tight);
    EXPECT_EQ(result.timelines.size(), 400u);
    EXPECT_EQ(result.engine.submitted, 400);
    EXPECT_EQ(result.engine.completed + result.engine.refused, 400);
    for (const Timeline& t : result.timelines) {
      if (t.outcome == Outcome::Rejected) continue;
      ASSERT_EQ(static_cast<std::int64_t>(t.events.size()), t.usage->output.count());
      ASSERT_GE(*t.sent, t.due);
      ASSERT_TRUE(std::ranges::is_sorted(t.events, {}, &metrics::TokenEvent::after_due));
      ASSERT_EQ(t.end, t.due + t.events.back().after_due());
    }
  }
}

TEST(Replay, KeepsTheClientsOfAClosedLoopOut) {
  const ReplayResult result = played(closed_loop(16, 300));
  EXPECT_EQ(most_out(result.timelines), 16);
  EXPECT_EQ(result.most_in_flight, 16);
  // A client sends again the moment it is free.
  std::vector<Nanos> ends;
  for (const Timeline& t : result.timelines) ends.push_back(t.end);
  std::ranges::sort(ends);
  for (std::size_t i = 16; i < result.timelines.size(); ++i) {
    EXPECT_EQ(result.timelines[i].due, ends[i - 16]);
    EXPECT_EQ(*result.timelines[i].sent, result.timelines[i].due);
  }
}

TEST(Replay, LetsAnOpenLoopWaitAtTheCapWithItsClockRunning) {
  RunSpec spec = open_loop(200, 300);
  spec.in_flight = 8;
  const ReplayResult result = played(spec);
  EXPECT_EQ(most_out(result.timelines), 8);
  EXPECT_GT(*result.timelines.back().sent - result.timelines.back().due, 1s);
  const ReplayResult uncapped = played(open_loop(200, 300));
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(result.timelines[i].due, uncapped.timelines[i].due);
    EXPECT_EQ(*uncapped.timelines[i].sent, uncapped.timelines[i].due);
  }
}

TEST(Replay, LetsAUserThinkBetweenTurns) {
  RunSpec spec = open_loop(0.5, 3);
  spec.sessions =
      workload::Sessions{.turns = length("3"), .think = *workload::parse_think_time("2")};
  const ReplayResult result = played(spec);
  ASSERT_EQ(result.timelines.size(), 3u);
  EXPECT_EQ(result.timelines[1].due, result.timelines[0].end + 2s);
  EXPECT_EQ(result.timelines[2].due, result.timelines[1].end + 2s);
  // What was said before is found in the cache, but for the block begun.
  EXPECT_GT(result.engine.prefix_hits, 0);
  const std::int64_t before =
      (result.timelines[1].usage->input + result.timelines[1].usage->output).count();
  EXPECT_GE(result.timelines[2].usage->input.count(), before);
}

TEST(Replay, StopsAClosedLoopAtItsDuration) {
  RunSpec spec = closed_loop(8, 1);
  spec.requests.reset();
  spec.duration = 20s;
  const ReplayResult result = played(with_sessions(spec));
  for (const Timeline& t : result.timelines) EXPECT_LT(t.due, 20s);
  EXPECT_GT(result.timelines.back().due, 19s);
  EXPECT_EQ(result.engine.completed, static_cast<std::int64_t>(result.timelines.size()));
}

TEST(Replay, RefusesWhatDoesNotFitAndGoesOn) {
  EngineConfig config;
  config.max_model_len = 300;
  const ReplayResult result = played(closed_loop(8, 200), config);
  const auto refused = std::ranges::count(result.timelines, Outcome::Rejected, &Timeline::outcome);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(result.engine.refused, refused);
  EXPECT_EQ(result.engine.completed + refused, 200);
}

TEST(Replay, EndsWhenEverythingIsRefused) {
  RunSpec spec = closed_loop(8, 1);
  spec.requests.reset();
  spec.duration = 20s;
  EngineConfig config;
  config.max_model_len = 10;
  EXPECT_EQ(played(spec, config).engine.completed, 0);
}

TEST(Replay, GivesTheSameLatenciesWithoutEveryToken) {
  const RunSpec spec = open_loop(15, 300);
  const ReplayResult all = played(spec), few = played(spec, {}, {.every_token = false});
  for (std::size_t i = 0; i < all.timelines.size(); ++i) {
    EXPECT_EQ(metrics::ttft(all.timelines[i]), metrics::ttft(few.timelines[i]));
    EXPECT_EQ(metrics::tpot(all.timelines[i]), metrics::tpot(few.timelines[i]));
    EXPECT_EQ(metrics::e2e(all.timelines[i]), metrics::e2e(few.timelines[i]));
  }
}

TEST(Replay, ObeysLittlesLaw) {
  // Over the whole run both sides are the same sum, of requests over time and of time over
  // requests: the mean number out is the rate times the mean time in the system.
  for (const double rate : {5.0, 20.0, 60.0}) {
    LinearStepTime model;
    auto run = Replay::open(open_loop(rate, 2000), {}, model, {.every_token = false});
    ASSERT_TRUE(run);
    double area = 0;  // of requests in the engine, sampled every millisecond
    Nanos at{};
    while (run->run_until(at += 1ms)) {
      const EngineState state = run->engine().state();
      area += static_cast<double>(state.running + state.waiting);
    }
    double time = 0;
    for (const Timeline& t : run->timelines()) time += static_cast<double>((t.end - t.due).count());
    EXPECT_NEAR(area * 1e6 / time, 1, 0.02) << rate;
  }
}

TEST(Replay, IsSummedUpLikeAMeasuredRun) {
  const ReplayResult result = played(open_loop(10, 500));
  const auto summary =
      metrics::summarize(metrics::tally(result.timelines, metrics::whole_run(result.timelines)));
  EXPECT_EQ(summary.of(Outcome::Completed), 500u);
  EXPECT_EQ(summary.pattern.kind, metrics::StreamingPattern::Kind::One);
  EXPECT_TRUE(metrics::remarks(summary).empty());
  EXPECT_NEAR(summary.requests_per_second->per_second(), 10, 1.5);
}

TEST(Replay, NamesWhatIsWrongWithSpecOrEngine) {
  LinearStepTime model;
  EngineConfig config;
  config.block_size = 0;
  EXPECT_THAT(replay(open_loop(1, 1), config, model).error().message,
              HasSubstr("engine: block_size"));
  EXPECT_THAT(replay(RunSpec{}, {}, model).error().message, HasSubstr("workload: "));
}

}  // namespace
}  // namespace kneepoint::sim
