#include "perfmodel/step_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "perfmodel/step_time_noise.h"

namespace kneepoint::perfmodel {
namespace {

using ::testing::HasSubstr;

TEST(LinearStepTime, AddsUpItsParts) {
  LinearStepTime model({.base = 1000,
                        .per_prefill_token = 10,
                        .per_sequence = 100,
                        .per_context_token = 2,
                        .per_prefill_context = 0.5});
  const std::array chunks{PrefillChunk{.tokens = 8, .cached = 16}, PrefillChunk{.tokens = 4}};
  const StepShape shape{.prefills = chunks,
                        .prefill_tokens = 12,
                        .prompts_ended = 1,
                        .decodes = 3,
                        .decode_context = 50};
  // Looked at: 8 * (16 + 4) + 4 * 2 = 168.
  EXPECT_EQ(model.step_time(shape), Nanos(1000 + 120 + 300 + 100 + 84));
}

TEST(LinearStepTime, IsNeverZero) {
  LinearStepTime model({.base = 0,
                        .per_prefill_token = 0,
                        .per_sequence = 0,
                        .per_context_token = 0,
                        .per_prefill_context = 0});
  EXPECT_EQ(model.step_time({}), Nanos(1));
}

TEST(LinearCoefficients, ReadBackFromText) {
  const LinearCoefficients odd{.base = 1234567.89,
                               .per_prefill_token = 0.1,
                               .per_sequence = 33000,
                               .per_context_token = 0,
                               .per_prefill_context = 1.0 / 3};
  EXPECT_EQ(parse_linear(to_text(odd)), odd);
  EXPECT_EQ(linear_from_json(to_json(odd)), odd);
  EXPECT_EQ(to_text({}),
            "base=6.9ms,prefill=33us,sequence=15us,context=49ns,prefill-context=1.1ns");
}

TEST(LinearCoefficients, KeepTheDefaultOfWhatIsLeftOut) {
  const auto parsed = parse_linear("base=2ms");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->base, 2e6);
  EXPECT_EQ(parsed->per_sequence, LinearCoefficients{}.per_sequence);
  EXPECT_EQ(parse_linear(""), LinearCoefficients{});
}

TEST(LinearCoefficients, NameWhatIsWrong) {
  EXPECT_THAT(parse_linear("bass=2ms").error().message, HasSubstr("base, prefill, sequence"));
  EXPECT_THAT(parse_linear("base").error().message, HasSubstr("name=time"));
  EXPECT_THAT(parse_linear("base=2").error().message, HasSubstr("ns, us, ms or s"));
  EXPECT_THAT(parse_linear("base=-2ms").error().message, HasSubstr("base: must be from 0"));
  EXPECT_THAT(parse_linear("sequence=100s").error().message, HasSubstr("sequence: must be"));
  EXPECT_THAT(linear_from_json(*json::parse(R"({"base": 1})")).error().message,
              HasSubstr("base: no such member"));
  EXPECT_THAT(linear_from_json(*json::parse(R"({"base_ns": "1"})")).error().message,
              HasSubstr("must be a number"));
  EXPECT_THAT(linear_from_json(*json::parse("[]")).error().message, HasSubstr("object"));
}

TEST(NoisyStepTime, KeepsTheMeanAndHasTheSpread) {
  LinearStepTime plain;
  NoisyStepTime noisy(plain, 0.3, 7);
  const double expected = static_cast<double>(plain.step_time({.decodes = 8}).count());
  double sum = 0, squares = 0;
  constexpr int kDraws = 20'000;
  for (int i = 0; i < kDraws; ++i) {
    const double share = static_cast<double>(noisy.step_time({.decodes = 8}).count()) / expected;
    sum += share;
    squares += share * share;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 1, 0.01);
  EXPECT_NEAR(std::sqrt(squares / kDraws - mean * mean), 0.3, 0.02);
}

TEST(NoisyStepTime, RepeatsForTheSameSeed) {
  LinearStepTime plain;
  NoisyStepTime one(plain, 0.3, 7), same(plain, 0.3, 7), other(plain, 0.3, 8), none(plain, 0, 7);
  EXPECT_EQ(one.step_time({}), same.step_time({}));
  EXPECT_NE(one.step_time({}), other.step_time({}));
  EXPECT_EQ(none.step_time({}), plain.step_time({}));
}

}  // namespace
}  // namespace kneepoint::perfmodel
