#include "emulator/engine_timing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <numeric>

#include "emulator/block_hashes.h"

namespace kneepoint::emulator {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// 10 ms, and 1 ms for each token of a prompt.
EngineTimingOptions round_numbers() {
  EngineTimingOptions options;
  options.step_time = std::make_unique<perfmodel::LinearStepTime>(*perfmodel::parse_linear(
      "base=10ms,prefill=1ms,sequence=0ns,context=0ns,prefill-context=0ns"));
  return options;
}

/// A real clock of its own: lets the engine have its way `late` after it asked for it.
struct Driver final : TokenSink {
  explicit Driver(EngineTimingOptions options)
      : timing(EngineTiming::make(std::move(options)).value()) {}

  void started(Ticket ticket, Nanos after) override { waited[ticket] = after; }
  void tokens(Ticket ticket, std::int64_t count) override {
    for (std::int64_t i = 0; i < count; ++i) times[ticket].push_back(now);
    if (then) then(ticket);
  }
  void submit(Ticket ticket, Nanos received, std::int64_t prompt, std::int64_t output) {
    Job job{.number = ticket,
            .received = received,
            .prompt_tokens = prompt,
            .output_tokens = output,
            .prompt = std::vector<TokenId>(static_cast<std::size_t>(prompt), first_token)};
    std::iota(job.prompt.begin(), job.prompt.end(), first_token);
    ASSERT_TRUE(timing->submit(ticket, std::move(job)));
  }
  void run(Nanos until = Nanos::max(), Nanos late = 0ns) {
    while (const auto next = timing->next()) {
      if (*next > until) return;
      now = std::max(now, *next + late);
      timing->advance(now, *this);
    }
  }

  std::unique_ptr<EngineTiming> timing;
  Nanos now{};
  TokenId first_token = 0;
  std::map<Ticket, Nanos> waited;
  std::map<Ticket, std::vector<Nanos>> times;
  std::function<void(Ticket)> then;
};

TEST(EngineTiming, ServesWhatTheStepsTake) {
  Driver driver(round_numbers());
  driver.submit(0, 100ms, 5, 4);
  driver.run();
  EXPECT_THAT(driver.times[0], ElementsAre(115ms, 125ms, 135ms, 145ms));
  EXPECT_EQ(driver.waited[0], 0ns);
  EXPECT_FALSE(driver.timing->next());
}

TEST(EngineTiming, ARequestWaitsForTheEndOfTheStepUnderWay) {
  Driver driver(round_numbers());
  driver.submit(0, 0ms, 5, 9);
  driver.run(18ms);  // the step of 15 ms to 25 ms is under way
  driver.submit(1, 18ms, 2, 2);
  driver.run();
  EXPECT_EQ(driver.waited[1], 7ms);
  EXPECT_THAT(driver.times[1], ElementsAre(37ms, 47ms));
}

TEST(EngineTiming, BeingLateDoesNotAddUp) {
  Driver driver(round_numbers());
  driver.submit(0, 0ms, 5, 50);
  driver.run(Nanos::max(), 3ms);
  EXPECT_EQ(driver.times[0].back(), 5ms + 50 * 10ms + 3ms);
  EXPECT_EQ(driver.timing->pace().slips, 0);
  EXPECT_EQ(driver.timing->pace().lag_max, 3ms);
  EXPECT_EQ(driver.timing->pace().steps, 50);
}

TEST(EngineTiming, WhatCannotBeCaughtUpIsSaid) {
  Driver driver(round_numbers());
  driver.submit(0, 0ms, 5, 4);
  driver.run(10ms);
  driver.now = 215ms;  // its first token was due at 15 ms
  driver.run();
  EXPECT_THAT(driver.times[0], ElementsAre(215ms, 225ms, 235ms, 245ms));
  EXPECT_EQ(driver.timing->pace().slips, 1);
  EXPECT_EQ(driver.timing->pace().slipped, 200ms);
}

TEST(EngineTiming, SpeedDividesEveryStep) {
  EngineTimingOptions options = round_numbers();
  options.speed = 10;
  Driver driver(std::move(options));
  driver.submit(0, 0ms, 5, 3);
  driver.run();
  EXPECT_THAT(driver.times[0], ElementsAre(1500us, 2500us, 3500us));
}

TEST(EngineTiming, WhoLeavesGetsNoMoreAndHoldsNothing) {
  Driver driver(round_numbers());
  for (Ticket t = 0; t < 3; ++t) driver.submit(t, 0ms, 20, 30);
  // The first takes the second along while tokens of one step are told.
  driver.then = [&](Ticket ticket) {
    if (ticket != 0 || driver.times[0].size() != 3) return;
    driver.timing->cancel(0);
    driver.timing->cancel(1);
  };
  driver.run();
  EXPECT_EQ(driver.times[0].size(), 3U);
  EXPECT_EQ(driver.times[1].size(), 2U);
  EXPECT_EQ(driver.times[2].size(), 30U);
  EXPECT_EQ(driver.timing->state().running, 0);
  EXPECT_EQ(driver.timing->state().kv_use, 0);
  driver.timing->cancel(2);  // ended long ago
  driver.submit(2, driver.now, 20, 1);
  driver.run();
  EXPECT_EQ(driver.times[2].size(), 31U);
}

TEST(EngineTiming, AKnownPromptAndItsAnswerAreFoundAgain) {
  EngineTimingOptions options = round_numbers();
  options.engine.block_size = 4;
  Driver driver(std::move(options));
  driver.submit(0, 0ms, 10, 7);
  driver.run();
  driver.submit(1, driver.now, 10, 1);
  driver.run();
  EXPECT_EQ(driver.timing->state().prefix_hits, 8U);
  EXPECT_EQ(driver.timing->state().prefix_queries, 20U);
  EXPECT_EQ(driver.times[1].front() - driver.times[0].back(), 10ms + 2ms);

  // The next turn: prompt, answer and a question. Of the answer's 7 tokens 6 are in the cache.
  Job job{.number = 2, .received = driver.now, .prompt_tokens = 20, .output_tokens = 1};
  job.prompt.resize(10);
  std::iota(job.prompt.begin(), job.prompt.end(), TokenId{0});
  AnswerWords said;
  for (int i = 0; i < 7; ++i) job.prompt.push_back(said.next());
  job.prompt.resize(20);
  ASSERT_TRUE(driver.timing->submit(2, job));
  driver.run();
  EXPECT_EQ(driver.timing->state().prefix_hits, 8U + 16U);

  driver.first_token = 1;
  driver.submit(3, driver.now, 10, 1);
  driver.run();
  EXPECT_EQ(driver.timing->state().prefix_hits, 24U) << "another prompt is not known";
}

TEST(EngineTiming, ACacheTooSmallPreempts) {
  EngineTimingOptions options = round_numbers();
  options.engine.block_size = 4;
  options.engine.num_blocks = 10;
  Driver driver(std::move(options));
  for (Ticket t = 0; t < 2; ++t) {
    driver.first_token = 100 * t;
    driver.submit(t, 0ms, 16, 16);
  }
  driver.run();
  EXPECT_EQ(driver.timing->state().preemptions, 1U);
  EXPECT_EQ(driver.times[1].size(), 16U);
  EXPECT_GT(driver.times[1].back(), driver.times[0].back());
}

TEST(EngineTiming, SaysWhyARequestCanNeverRun) {
  EngineTimingOptions options = round_numbers();
  options.engine.num_blocks = 10;
  Driver driver(std::move(options));
  const auto refused = driver.timing->submit(0, {.prompt_tokens = 150, .output_tokens = 50});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the KV cache has 10"));
  EXPECT_FALSE(driver.timing->next());
}

TEST(EngineTiming, TheSameSeedIsTheSameNoise) {
  const auto times = [](std::uint64_t seed) {
    EngineTimingOptions options = round_numbers();
    options.step_noise = .2;
    options.seed = seed;
    Driver driver(std::move(options));
    driver.submit(0, 0ms, 5, 20);
    driver.run();
    return driver.times[0];
  };
  EXPECT_EQ(times(1), times(1));
  EXPECT_NE(times(1), times(2));
}

TEST(EngineTiming, OptionsOutOfRangeAreNamed) {
  const auto error = [](auto change) {
    EngineTimingOptions options;
    change(options);
    const auto made = EngineTiming::make(std::move(options));
    return made ? "" : made.error().message;
  };
  EXPECT_EQ(error([](auto&) {}), "");
  EXPECT_THAT(error([](auto& o) { o.speed = 0; }), HasSubstr("speed"));
  EXPECT_THAT(error([](auto& o) { o.step_noise = -1; }), HasSubstr("step_noise"));
  EXPECT_THAT(error([](auto& o) { o.engine.block_size = 0; }), HasSubstr("block_size"));
}

TEST(BlockHashes, EachCoversAllBeforeIt) {
  const auto hashes = [](std::vector<TokenId> prompt, std::int64_t answer, std::int64_t most = 99) {
    std::vector<std::uint64_t> out;
    block_hashes(prompt, AnswerWords(1, 2), answer, 2, most, out);
    return out;
  };
  const auto base = hashes({1, 2, 3, 4, 5}, 3);
  ASSERT_EQ(base.size(), 4U);  // the third is of both, the fourth of the answer
  EXPECT_EQ(hashes({1, 2, 3, 4, 5}, 0), std::vector(base.begin(), base.begin() + 2));
  EXPECT_EQ(hashes({1, 2, 3, 4, 5}, 3, 1), std::vector(base.begin(), base.begin() + 1));
  const auto other = hashes({9, 2, 3, 4, 5}, 3);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NE(other[i], base[i]);
  EXPECT_NE(hashes({0, 0, 0, 0}, 0)[0], hashes({0, 0, 0, 0}, 0)[1]);
}

}  // namespace
}  // namespace kneepoint::emulator
