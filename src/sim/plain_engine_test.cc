#include "sim/plain_engine.h"

#include <gtest/gtest.h>

#include <array>

#include "base/random.h"
#include "sim/fleet.h"

namespace kneepoint::sim {
namespace {

using metrics::Metric;
using Keep = FleetOptions::Keep;

/// What an observer is told, in order, as numbers.
class Told final : public FleetObserver {
 public:
  void gaps(Nanos now, Nanos gap, std::uint64_t times) override {
    add({now.count(), gap.count(), static_cast<std::int64_t>(times)});
  }
  void ended(std::size_t number, const RequestRecord& r) override {
    add({static_cast<std::int64_t>(number), r.due.count(), r.sent.count(), r.first.count(),
         r.end.count(), r.input, r.output, static_cast<std::int64_t>(r.outcome)});
  }
  void starts_again() override {
    numbers.clear();
    ++again;
  }
  std::vector<std::int64_t> numbers;
  int again = 0;

 private:
  void add(std::initializer_list<std::int64_t> some) { numbers.insert(numbers.end(), some); }
};

StepModels linear() {
  return [](const Seat&) { return std::make_unique<perfmodel::LinearStepTime>(); };
}

workload::RunSpec some_spec(Random& random) {
  workload::RunSpec out;
  out.seed = random.bits() >> 12;
  out.requests = 300;
  out.lengths.input = *workload::parse_length("normal:512,512,min=1,max=4000");
  out.lengths.output =
      *workload::parse_length(random.below(2) == 0 ? "normal:64,64,min=1,max=900" : "uniform:1,3");
  if (random.below(3) == 0) {
    out.in_flight = static_cast<std::int64_t>(1 + random.below(60));
  } else {
    out.arrivals = workload::Arrivals{.rate = 1 + static_cast<double>(random.below(60))};
  }
  return out;
}

EngineConfig some_engine(Random& random) {
  EngineConfig out;
  out.max_num_seqs = static_cast<std::int64_t>(1 + random.below(64));
  out.max_num_batched_tokens = static_cast<std::int64_t>(64 + random.below(4000));
  out.max_model_len = 4500;
  out.block_size = std::array<std::int64_t, 4>{1, 16, 24, 64}[random.below(4)];
  const auto most = static_cast<std::uint64_t>(4500 / out.block_size + 1);  // of one request
  out.num_blocks = static_cast<std::int64_t>(
      most / 3 + random.below(most * std::array{1, 20, 60}[random.below(3)]));
  out.prefix_caching = random.below(2) == 0;
  out.admit_whole_prompt = random.below(2) == 0;
  out.watermark = random.below(3) == 0 ? 0.01 : 0;
  if (random.below(4) == 0) {
    out.chunked_prefill = false;
    out.scheduling.long_prompts_alone = true;
  }
  return out;
}

// Its equal that is not of the plain case: who waits would wait for company, were none enough.
FleetConfig not_plain(FleetConfig config) {
  config.replica.engine.scheduling.hold_steps = 1;
  config.replica.engine.scheduling.hold_share = 0;
  return config;
}

TEST(PlainEngine, GivesTheSameBytesAsTheWholeOne) {
  Random random(7, "plain");
  int overrun = 0, refused = 0;
  for (int trial = 0; trial < 150; ++trial) {
    SCOPED_TRACE(trial);
    const workload::RunSpec spec = some_spec(random);
    FleetConfig config;
    config.replica.engine = some_engine(random);
    config.replicas = spec.arrivals ? static_cast<std::int64_t>(1 + random.below(3)) : 1;
    ASSERT_TRUE(PlainEngine::can_be(config.replica.engine));
    ASSERT_FALSE(PlainEngine::can_be(not_plain(config).replica.engine));
    FleetOptions options;
    options.misses_the_step = random.below(2) == 0;
    options.gaps = random.below(4) != 0;
    Told plain, whole;
    options.observer = &plain;
    const auto a = simulate_fleet(spec, config, linear(), options);
    options.observer = &whole;
    const auto b = simulate_fleet(spec, not_plain(config), linear(), options);
    ASSERT_TRUE(a && b);
    ASSERT_EQ(plain.numbers, whole.numbers);
    EXPECT_EQ(whole.again, 0);
    overrun += plain.again;
    refused += a->refused > 0;
    EXPECT_EQ(a->took, b->took);
    EXPECT_EQ(a->steps, b->steps);
    EXPECT_EQ(a->refused, b->refused);
    EXPECT_EQ(a->most_in_flight, b->most_in_flight);
    EXPECT_EQ(a->in_flight_mean, b->in_flight_mean);
    for (std::size_t i = 0; i < a->replicas.size(); ++i) {
      const ReplicaResult &x = a->replicas[i], &y = b->replicas[i];
      EXPECT_EQ(x.requests, y.requests);
      EXPECT_EQ(x.running, y.running);
      EXPECT_EQ(x.waiting, y.waiting);
      EXPECT_EQ(x.busy, y.busy);
      EXPECT_EQ(x.engines.kv_use, y.engines.kv_use);
      EXPECT_EQ(x.engines.blocks_used, y.engines.blocks_used);
      EXPECT_EQ(x.engines.blocks_cached, y.engines.blocks_cached);
      EXPECT_EQ(x.engines.blocks_blank, y.engines.blocks_blank);
      EXPECT_EQ(x.engines.submitted, y.engines.submitted);
      EXPECT_EQ(x.engines.completed, y.engines.completed);
      EXPECT_EQ(x.engines.preemptions, y.engines.preemptions);
      EXPECT_EQ(x.engines.prefix_queries, y.engines.prefix_queries);
      EXPECT_EQ(x.engines.prompt_tokens, y.engines.prompt_tokens);
      EXPECT_EQ(x.engines.generation_tokens, y.engines.generation_tokens);
      EXPECT_EQ(x.engines.scheduled_tokens, y.engines.scheduled_tokens);
    }
  }
  EXPECT_GT(overrun, 3);  // both ends of what is asked were met
  EXPECT_LT(overrun, 100);
  EXPECT_GT(refused, 2);
}

TEST(PlainEngine, SaysWhenSomebodyWouldHaveToGiveUpBlocks) {
  EngineConfig config;
  config.num_blocks = 8;
  config.max_model_len = 128;
  config.max_num_batched_tokens = 512;
  PlainEngine engine(config, std::make_unique<perfmodel::LinearStepTime>());
  ASSERT_TRUE(engine.submit(0, 63, 60));
  ASSERT_TRUE(engine.submit(1, 63, 60));
  EXPECT_FALSE(engine.submit(2, 128, 1));
  EXPECT_GT(engine.plan_step(), Nanos(0));
  EXPECT_EQ(engine.finish_step().first.size(), 2u);
  while (!engine.overrun()) {
    if (engine.plan_step() > Nanos(0)) engine.finish_step();
  }
  EXPECT_EQ(engine.blocks_used(), 8);
}

}  // namespace
}  // namespace kneepoint::sim
