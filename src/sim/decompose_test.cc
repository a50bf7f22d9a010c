#include "sim/decompose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::sim {
namespace {

using perfmodel::Part;
using perfmodel::PartAmounts;
using perfmodel::PartCoefficients;
using ::testing::HasSubstr;

std::size_t at(Part part) { return static_cast<std::size_t>(part); }

/// Parts that can be added up by hand.
struct Counts {
  PartAmounts amounts(const perfmodel::StepShape& shape) const {
    PartAmounts out{};
    out[at(Part::Steps)] = 1;
    out[at(Part::Sequences)] =
        static_cast<double>(shape.decodes) + static_cast<double>(shape.prefills.size());
    out[at(Part::PrefillTokens)] = static_cast<double>(shape.prefill_tokens);
    out[at(Part::DecodeAttention)] = static_cast<double>(shape.decode_context);
    return out;
  }
};
const Counts kCounts;
const PartsOf<Counts> kParts(kCounts);

PartCoefficients some(double scale = 1) {
  PartCoefficients out{};
  out[at(Part::Steps)] = 6e6 * scale;
  out[at(Part::Sequences)] = 15e3 * scale;
  out[at(Part::PrefillTokens)] = 33e3 * scale;
  out[at(Part::DecodeAttention)] = 49 * scale;
  return out;
}

Load closed(double clients, std::int64_t requests) {
  Load out;
  out.load = clients;
  out.requests = requests;
  out.input = up_to(1024, 0.8);
  out.output = up_to(128, 0.8);
  return out;
}
Load under_rate(double rate, std::int64_t requests) {
  Load out = closed(1, requests);
  out.pattern = LoadPattern::Poisson;
  out.load = rate;
  return out;
}

Decomposition run(const Load& load, const EngineConfig& config = {}, double scale = 1) {
  auto out = decompose(kParts, some(scale), config, load);
  EXPECT_TRUE(out) << out.error().message;
  return *out;
}

TEST(Decompose, WeightsOfOneRequestAloneAreItsSteps) {
  Load load = closed(1, 5);
  load.input = exactly(100);
  load.output = exactly(11);
  const Decomposition out = run(load);
  EXPECT_EQ(out.ttft[at(Part::Steps)], 1);
  EXPECT_EQ(out.ttft[at(Part::PrefillTokens)], 100);
  EXPECT_NEAR(out.tpot[at(Part::Steps)], 1, 1e-12);
  EXPECT_NEAR(out.tpot[at(Part::Sequences)], 1, 1e-12);
  // 100 to 109 tokens of context.
  EXPECT_NEAR(out.tpot[at(Part::DecodeAttention)], 104.5, 1e-9);
  EXPECT_NEAR(out.ttft_ms.mean, 6 + 0.015 + 3.3, 1e-9);
  EXPECT_EQ(out.requests, 5);
  EXPECT_NEAR(out.running_mean, 1, 1e-12);
}

TEST(Decompose, WeightsTimesCoefficientsAreTheMeans) {
  EngineConfig tight;
  tight.num_blocks = 900;
  for (const ServerRules rules :
       {ServerRules::Vllm, ServerRules::VllmV0, ServerRules::TensorRtLlm, ServerRules::Sglang}) {
    tight.scheduling = scheduling_of(rules);
    Load burst = closed(1, 300);
    burst.pattern = LoadPattern::Burst;
    Load constant = under_rate(6, 500);
    constant.pattern = LoadPattern::Constant;
    Load capped = under_rate(30, 500);
    capped.most_in_flight = 20;
    for (const Load& load : {closed(32, 320), under_rate(6, 500), burst, constant, capped}) {
      const Decomposition out = run(load, tight);
      EXPECT_NEAR(perfmodel::dot(out.ttft, some()) / 1e6, out.ttft_ms.mean,
                  1e-5 * out.ttft_ms.mean);
      EXPECT_NEAR(perfmodel::dot(out.tpot, some()) / 1e6, out.tpot_ms.mean,
                  1e-5 * out.tpot_ms.mean);
    }
  }
}

TEST(Decompose, WeightsOfAClosedLoopDoNotDependOnTheTimeScale) {
  const Decomposition slow = run(closed(48, 480)), fast = run(closed(48, 480), {}, 0.25);
  for (std::size_t i = 0; i < perfmodel::kParts; ++i) {
    EXPECT_NEAR(slow.ttft[i], fast.ttft[i], 1e-9 * slow.ttft[i]);
    EXPECT_NEAR(slow.tpot[i], fast.tpot[i], 1e-9 * slow.tpot[i]);
  }
}

TEST(Decompose, ANextRequestIsSeenOneStepLater) {
  // One answer ends while the other goes on: its client's next prompt misses the step that follows.
  Load load = closed(2, 40);
  load.input = exactly(64);
  load.output = exactly(10);
  load.uncounted = 2;
  const Decomposition at_once = [&] {
    Load other = load;
    other.unseen_steps = 0;
    return run(other);
  }();
  // Both end in one step, so the engine is idle and neither waits.
  EXPECT_EQ(at_once.ttft[at(Part::Steps)], run(load).ttft[at(Part::Steps)]);
  load.output = up_to(20, 0.1);
  Load other = load;
  other.unseen_steps = 0;
  EXPECT_EQ(run(other).ttft[at(Part::Steps)], 1);
  EXPECT_GT(run(load).ttft[at(Part::Steps)], 1.7);
}

TEST(Decompose, LittlesLawHolds) {
  for (const Load& load : {closed(64, 2000), under_rate(5, 2000)}) {
    const Decomposition out = run(load);
    const double in_flight = out.requests_per_second * out.e2e_ms.mean / 1e3;
    EXPECT_NEAR(out.running_mean + out.waiting_mean, in_flight, 0.02 * in_flight);
  }
}

TEST(Decompose, ACachedPrefixIsNotComputed) {
  Load load = closed(1, 20);
  load.input = exactly(1024);
  load.cached_prefix = 1000;  // 62 full blocks
  EXPECT_EQ(run(load).ttft[at(Part::PrefillTokens)], 1024 - 992);
  load.cached_prefix = 0;
  EXPECT_EQ(run(load).ttft[at(Part::PrefillTokens)], 1024);
}

TEST(Decompose, SaysWhenARateIsTooMuch) {
  const double most = run(closed(256, 2560)).requests_per_second;
  EXPECT_FALSE(run(under_rate(0.5 * most, 3000)).saturated);
  EXPECT_TRUE(run(under_rate(1.5 * most, 3000)).saturated);
  Load capped = under_rate(1.5 * most, 3000);
  capped.most_in_flight = 300;
  EXPECT_TRUE(run(capped).saturated);
}

TEST(Decompose, PlacesInFlightAreBounded) {
  Load load = under_rate(100, 1000);
  load.most_in_flight = 10;
  const Decomposition out = run(load);
  EXPECT_LE(out.running_mean + out.waiting_mean, 10);
  EXPECT_GT(out.running_mean, 9);
}

TEST(Decompose, TheSameSeedGivesTheSame) {
  const Load load = under_rate(6, 500);
  EXPECT_EQ(run(load).ttft, run(load).ttft);
  Load other = load;
  other.seed = 2;
  EXPECT_NE(run(load).ttft, run(other).ttft);
}

TEST(Decompose, SaysWhatIsWrong) {
  const auto why = [](const Load& load, const EngineConfig& config = {}) {
    const auto out = decompose(kParts, some(), config, load);
    return out ? "" : out.error().message;
  };
  EXPECT_THAT(why(closed(1, 0)), HasSubstr("requests"));
  EXPECT_THAT(why(closed(0, 10)), HasSubstr("load"));
  EXPECT_THAT(why(closed(1, 10), {.num_blocks = 0}), HasSubstr("num_blocks"));
  EXPECT_THAT(why(closed(1, 10), {.num_blocks = 3}), HasSubstr("no request fits"));
}

}  // namespace
}  // namespace kneepoint::sim
