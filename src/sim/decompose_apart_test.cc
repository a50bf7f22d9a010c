#include "sim/decompose_apart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::sim {
namespace {

using perfmodel::Part;
using perfmodel::PartAmounts;
using perfmodel::PartCoefficients;
using ::testing::DoubleNear;
using ::testing::HasSubstr;

std::size_t at(Part part) { return static_cast<std::size_t>(part); }

struct Counts {
  PartAmounts amounts(const perfmodel::StepShape& shape) const {
    PartAmounts out{};
    out[at(Part::Steps)] = 1;
    out[at(Part::Sequences)] = static_cast<double>(shape.decodes);
    out[at(Part::PrefillTokens)] = static_cast<double>(shape.prefill_tokens);
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
  return out;
}

Apart apart(std::int64_t prefill = 1, std::int64_t decode = 1) {
  return {.prefill = {kParts, {}, prefill}, .decode = {kParts, {}, decode}};
}

Load closed(double clients, std::int64_t requests) {
  Load out;
  out.load = clients;
  out.requests = requests;
  out.input = exactly(1000);
  out.output = exactly(101);
  return out;
}

Decomposition run(const Apart& how, const Load& load, double scale = 1) {
  auto out = decompose_apart(how, some(scale), load);
  EXPECT_TRUE(out) << out.error().message;
  return *out;
}

TEST(DecomposeApart, OneClientWaitsForItsPromptTheTransferAndItsSteps) {
  Apart how = apart();
  how.transfer_base = Nanos(2'000'000);
  how.transfer_ns_per_token = 1000;
  const Decomposition out = run(how, closed(1, 20));
  const double prompt = 6 + 33, step = 6.015;
  EXPECT_NEAR(out.ttft_ms.mean, prompt, 1e-6);
  // 100 steps give tokens 2 to 101, and the transfer of 3 ms stands before the first of them.
  EXPECT_NEAR(out.tpot_ms.mean, step + 3.0 / 100, 1e-6);
  EXPECT_NEAR(out.e2e_ms.mean, prompt + 3 + 100 * step, 1e-6);
  EXPECT_EQ(out.requests, 20);
}

TEST(DecomposeApart, TheFirstTokenMayComeWithTheSecond) {
  Apart how = apart();
  how.transfer_base = Nanos(2'000'000);
  how.first_comes_with_second = true;
  const Decomposition out = run(how, closed(1, 20));
  EXPECT_NEAR(out.ttft_ms.mean, 39 + 2 + 6.015, 1e-6);
  EXPECT_NEAR(out.tpot_ms.mean, 6.015 * 99 / 100, 1e-6);
}

TEST(DecomposeApart, PartsTimesCoefficientsAreTheLatencies) {
  const Decomposition out = run(apart(2, 3), closed(24, 240));
  EXPECT_THAT(perfmodel::dot(out.ttft, some()) / 1e6, DoubleNear(out.ttft_ms.mean, 1e-3));
  EXPECT_THAT(perfmodel::dot(out.tpot, some()) / 1e6, DoubleNear(out.tpot_ms.mean, 1e-3));
}

TEST(DecomposeApart, PromptsOfOthersDoNotSlowAnswers) {
  const Decomposition apart_run = run(apart(), closed(16, 160));
  auto one = decompose(kParts, some(), {}, closed(16, 160));
  ASSERT_TRUE(one);
  EXPECT_LT(apart_run.tpot_ms.p99, one->tpot_ms.p99);
  EXPECT_NEAR(apart_run.tpot_ms.mean, 6 + 16 * .015, .3);
}

TEST(DecomposeApart, MoreEnginesOfEitherSideHelpWithWhatTheyDo) {
  const Decomposition base = run(apart(), closed(64, 640));
  EXPECT_LT(run(apart(4, 1), closed(64, 640)).ttft_ms.mean, 0.5 * base.ttft_ms.mean);
  EXPECT_LT(run(apart(1, 4), closed(64, 640)).tpot_ms.mean, base.tpot_ms.mean);
}

TEST(DecomposeApart, RequestsThatOnlyPrefillEndThere) {
  Load load = closed(4, 40);
  load.output = exactly(1);
  const Decomposition out = run(apart(), load);
  EXPECT_EQ(out.requests, 40);
  EXPECT_DOUBLE_EQ(out.ttft_ms.mean, out.e2e_ms.mean);
}

TEST(DecomposeApart, ARateAboveWhatPromptsAllowSaturates) {
  Load load = closed(1, 2000);
  load.pattern = LoadPattern::Poisson;
  load.load = 5;
  EXPECT_FALSE(run(apart(), load).saturated);
  load.load = 200;
  EXPECT_TRUE(run(apart(), load).saturated);
  load.pattern = LoadPattern::Constant;
  EXPECT_TRUE(run(apart(), load).saturated);
}

TEST(DecomposeApart, LittlesLaw) {
  Load load = closed(32, 4000);
  const Decomposition out = run(apart(2, 2), load);
  EXPECT_NEAR((out.running_mean + out.waiting_mean) / 32, 1, 0.02);
}

TEST(DecomposeApart, TheSameArgumentsGiveTheSameBytes) {
  const Decomposition a = run(apart(3, 5), closed(40, 400)), b = run(apart(3, 5), closed(40, 400));
  EXPECT_EQ(a.ttft, b.ttft);
  EXPECT_EQ(a.e2e_ms.p99, b.e2e_ms.p99);
}

TEST(DecomposeApart, WhatCannotBeIsRefused) {
  Apart how = apart();
  how.decode.engine.num_blocks = 10;
  EXPECT_THAT(decompose_apart(how, some(), closed(1, 10)).error().message, HasSubstr("num_blocks"));
  const Apart none = apart(0, 1);
  EXPECT_THAT(decompose_apart(none, some(), closed(1, 10)).error().message, HasSubstr("engines"));
}

}  // namespace
}  // namespace kneepoint::sim
