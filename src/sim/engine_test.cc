#include "sim/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace kneepoint::sim {
namespace {

using namespace std::chrono_literals;
using perfmodel::LinearStepTime;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Times that can be added up by hand: 1,000 + 10 a prompt token + 100 a sequence + 1 a token of
/// context.
LinearStepTime by_hand() {
  return LinearStepTime({.base = 1000,
                         .per_prefill_token = 10,
                         .per_sequence = 100,
                         .per_context_token = 1,
                         .per_prefill_context = 0});
}

EngineConfig small() {
  return {.max_num_seqs = 8,
          .max_num_batched_tokens = 64,
          .max_model_len = 1024,
          .block_size = 4,
          .num_blocks = 100,
          .prefix_caching = false};
}

struct Token {
  std::uint64_t id;
  std::int64_t at;
  friend bool operator==(const Token&, const Token&) = default;
};

/// An engine in virtual time that remembers when each token came.
struct Bench {
  explicit Bench(const EngineConfig& config) : engine(config, model) {}

  Ticket ask(std::uint64_t id, int input, int output, const Content& content = {}) {
    auto ticket = engine.submit(
        {.id = id, .input = Tokens(input), .output = Tokens(output), .content = content}, now);
    EXPECT_TRUE(ticket) << ticket.error().message;
    return *ticket;
  }
  bool step() {
    const auto takes = engine.begin_step(now);
    if (!takes) return false;
    now += *takes;
    const StepResult result = engine.finish_step(now);
    for (const Emission& e : result.emissions) {
      times[e.id].push_back(now.count());
      if (e.finished) order.push_back(e.id);
    }
    for (const Milestone& m : result.milestones) milestones.push_back(m);
    return true;
  }
  void run() {
    while (step()) {
    }
  }

  LinearStepTime model = by_hand();
  Engine engine;
  Nanos now{};
  std::map<std::uint64_t, std::vector<std::int64_t>> times;
  std::vector<std::uint64_t> order;  // of ending
  std::vector<Milestone> milestones;
};

TEST(Engine, AnswersOneRequestAloneInTheTimesOfItsSteps) {
  Bench bench(small());
  bench.ask(7, 10, 4);
  bench.run();
  // The prompt: 1000 + 10 * 10. Then one sequence with 10, 11, 12 tokens of context.
  EXPECT_THAT(bench.times[7], ElementsAre(1100, 1100 + 1110, 2210 + 1111, 3321 + 1112));
  const EngineState state = bench.engine.state();
  EXPECT_EQ(state.completed, 1);
  EXPECT_EQ(state.prompt_tokens, 10);
  EXPECT_EQ(state.generation_tokens, 4);
  EXPECT_EQ(state.scheduled_tokens, 13);
  EXPECT_EQ(state.blocks_used, 0);
  EXPECT_TRUE(bench.engine.idle());
}

TEST(Engine, TellsTheFirstAndLastTokenOfEachAnswer) {
  Bench bench(small());
  bench.ask(1, 4, 1);
  bench.ask(2, 4, 2);
  bench.run();
  ASSERT_EQ(bench.milestones.size(), 3u);
  EXPECT_TRUE(bench.milestones[0].first && !bench.milestones[0].finished);
  EXPECT_EQ(bench.milestones[0].id, 2u);
  EXPECT_TRUE(bench.milestones[1].first && bench.milestones[1].finished);
  EXPECT_EQ(bench.milestones[1].id, 1u);
  EXPECT_TRUE(!bench.milestones[2].first && bench.milestones[2].finished);
}

TEST(Engine, SpreadsAPromptOverStepsUnderTheTokenBudget) {
  EngineConfig config = small();
  config.max_num_batched_tokens = 16;
  Bench bench(config);
  bench.ask(1, 4, 4);
  bench.ask(2, 30, 2);
  // Step 1: 4 of the first, 12 of the second. Step 2: one decode and 15. Step 3: one and the
  // last 3.
  bench.run();
  const std::int64_t one = 1000 + 160;
  const std::int64_t two = one + 1000 + 150 + 100 + 4;
  const std::int64_t three = two + 1000 + 30 + 100 + 5;
  const std::int64_t four = three + 1000 + 2 * 100 + 6 + 30;
  EXPECT_THAT(bench.times[1], ElementsAre(one, two, three, four));
  EXPECT_THAT(bench.times[2], ElementsAre(three, four));
}

TEST(Engine, LetsAPromptWaitForAStepOfItsOwnWithoutChunkedPrefill) {
  EngineConfig config = small();
  config.max_num_batched_tokens = config.max_model_len = 16;
  config.chunked_prefill = false;
  Bench bench(config);
  bench.ask(1, 10, 2);
  bench.ask(2, 10, 2);
  ASSERT_TRUE(bench.step());
  EXPECT_EQ(bench.engine.state().last_scheduled_tokens, 10);
  ASSERT_TRUE(bench.step());
  EXPECT_EQ(bench.engine.state().last_scheduled_tokens, 11);
}

TEST(Engine, QueuesWhatIsOverTheSequenceLimitFirstComeFirstServed) {
  EngineConfig config = small();
  config.max_num_seqs = 2;
  Bench bench(config);
  for (int id = 1; id <= 4; ++id) bench.ask(static_cast<std::uint64_t>(id), 4, 3);
  ASSERT_TRUE(bench.step());
  EXPECT_EQ(bench.engine.state().running, 2);
  EXPECT_EQ(bench.engine.state().waiting, 2);
  bench.run();
  EXPECT_LT(bench.times[2].back(), bench.times[3].front());
  EXPECT_EQ(bench.times[3], bench.times[4]);
}

TEST(Engine, PreemptsTheNewestWhenBlocksRunOutAndComputesItAgain) {
  EngineConfig config = small();
  config.num_blocks = 6;  // 24 tokens
  Bench bench(config);
  bench.ask(1, 8, 9);  // ends with 16 tokens: 4 blocks
  bench.ask(2, 8, 9);
  // Both hold 2 blocks, and 3 from the second step on. With 12 tokens each wants a fourth.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(bench.step());
  EXPECT_EQ(bench.engine.state().blocks_used, 6);
  ASSERT_TRUE(bench.step());
  EXPECT_EQ(bench.engine.state().preemptions, 1);
  EXPECT_EQ(bench.engine.state().running, 1);
  EXPECT_EQ(bench.engine.state().waiting, 1);
  EXPECT_EQ(bench.engine.state().last_scheduled_tokens, 1);
  bench.run();
  EXPECT_THAT(bench.order, ElementsAre(1, 2));
  EXPECT_EQ(bench.times[2].size(), 9u);
  // The prompt of 8 and 5 tokens said are computed again: 8 + 8 + 13 and the decode steps.
  EXPECT_EQ(bench.engine.state().scheduled_tokens, 8 + 8 + 4 + 4 + 4 + 13 + 3);
  EXPECT_EQ(bench.engine.state().generation_tokens, 18);
  EXPECT_EQ(bench.milestones.back().preemptions, 1);
}

TEST(Engine, FindsItsOwnBlocksAgainAfterAPreemption) {
  EngineConfig config = small();
  config.num_blocks = 6;
  config.prefix_caching = true;
  Bench bench(config);
  bench.ask(1, 8, 9);
  bench.ask(2, 8, 9);
  bench.run();
  EXPECT_EQ(bench.engine.state().preemptions, 1);
  // Of its three blocks the first request takes one; eight tokens are found, five computed.
  EXPECT_EQ(bench.engine.state().scheduled_tokens, 8 + 8 + 4 + 4 + 4 + 5 + 3);
}

TEST(Engine, ComputesASharedPrefixOnce) {
  EngineConfig config = small();
  config.prefix_caching = true;
  Bench bench(config);
  Content content{
      .block_hashes = {}, .prefix_group = 3, .text = 1, .prefix = Tokens(12), .shared = Tokens(12)};
  bench.ask(1, 18, 2, content);
  content.text = 2;
  bench.ask(2, 18, 2, content);
  ASSERT_TRUE(bench.step());
  // Three blocks of the second are those the first fills in this very step.
  EXPECT_EQ(bench.engine.state().scheduled_tokens, 18 + 6);
  EXPECT_EQ(bench.engine.state().prefix_hits, 12);
  EXPECT_EQ(bench.engine.state().prefix_queries, 36);
  EXPECT_EQ(bench.engine.state().blocks_used, 5 + 2);
  bench.run();
  EXPECT_EQ(bench.engine.state().blocks_used, 0);
}

TEST(Engine, ComputesTheLastBlockOfAKnownPromptAgain) {
  EngineConfig config = small();
  config.prefix_caching = true;
  Bench bench(config);
  const std::vector<std::uint64_t> hashes{11, 12, 13, 14};
  bench.ask(1, 16, 1, {.block_hashes = hashes});
  bench.run();
  bench.ask(2, 16, 1, {.block_hashes = hashes});
  bench.run();
  EXPECT_EQ(bench.engine.state().prefix_hits, 12);
  EXPECT_EQ(bench.milestones.back().cached, Tokens(12));
}

TEST(Engine, FindsThePreviousTurnOfASession) {
  EngineConfig config = small();
  config.prefix_caching = true;
  Bench bench(config);
  bench.ask(1, 10, 11, {.block_hashes = {}, .text = 5, .prefix = {}, .shared = Tokens(21)});
  bench.run();
  // 20 tokens are in the cache, the answer's last is not: five full blocks.
  bench.ask(2, 30, 1, {.block_hashes = {}, .text = 5, .prefix = {}, .shared = Tokens(31)});
  bench.run();
  EXPECT_EQ(bench.milestones.back().cached, Tokens(20));
}

TEST(Engine, RefusesWhatCanNeverRun) {
  EngineConfig config = small();
  config.num_blocks = 8;
  Bench bench(config);
  const auto why = [&](int input, int output) {
    const auto ticket =
        bench.engine.submit({.input = Tokens(input), .output = Tokens(output)}, 0ns);
    return ticket ? "" : ticket.error().message;
  };
  EXPECT_THAT(why(1020, 5), HasSubstr("max_model_len (1024)"));
  EXPECT_THAT(why(30, 4), HasSubstr("need 9 blocks; the KV cache has 8"));
  EXPECT_THAT(why(0, 4), HasSubstr("at least one token"));
  EXPECT_EQ(why(30, 3), "");
  EXPECT_EQ(bench.engine.state().refused, 3);
  EXPECT_EQ(bench.engine.state().submitted, 4);
}

TEST(Engine, LetsGoOfWhatIsCancelled) {
  Bench bench(small());
  const Ticket one = bench.ask(1, 8, 50);
  const Ticket two = bench.ask(2, 8, 50);
  const Ticket three = bench.ask(3, 8, 5);
  EXPECT_TRUE(bench.engine.cancel(one));  // waiting
  EXPECT_FALSE(bench.engine.cancel(one));
  ASSERT_TRUE(bench.step());
  EXPECT_TRUE(bench.engine.cancel(two));  // running, between steps
  ASSERT_TRUE(bench.engine.begin_step(bench.now));
  EXPECT_TRUE(bench.engine.cancel(three));  // in a step
  EXPECT_EQ(bench.engine.state().running, 1);
  EXPECT_TRUE(bench.engine.finish_step(bench.now).emissions.empty());
  EXPECT_FALSE(bench.engine.cancel(three));
  EXPECT_TRUE(bench.engine.idle());
  EXPECT_EQ(bench.engine.state().cancelled, 3);
  EXPECT_EQ(bench.engine.state().blocks_used, 0);
}

TEST(EngineConfig, NamesTheMemberThatIsWrong) {
  const auto why = [](auto change) {
    EngineConfig config;
    change(config);
    const auto ok = check(config);
    return ok ? "" : ok.error().message;
  };
  EXPECT_EQ(why([](EngineConfig&) {}), "");
  EXPECT_THAT(why([](EngineConfig& c) { c.block_size = 0; }), HasSubstr("block_size"));
  EXPECT_THAT(why([](EngineConfig& c) { c.max_num_batched_tokens = 100; }),
              HasSubstr("less than max_num_seqs (256)"));
  EXPECT_THAT(why([](EngineConfig& c) { c.chunked_prefill = false; }),
              HasSubstr("less than max_model_len"));
  EXPECT_THAT(why([](EngineConfig& c) { c.watermark = 1; }), HasSubstr("watermark"));
}

}  // namespace
}  // namespace kneepoint::sim
