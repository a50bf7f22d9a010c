#include "emulator/delay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::emulator {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(Delay, TextReadsBackToTheSame) {
  for (const char* text : {"10ms", "0ms", "uniform:5ms,15ms", "normal:10ms,2ms",
                           "lognormal:100ms,0.5", "exponential:250us", "2s", "1500us"}) {
    const auto spec = parse_delay(text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(to_text(*spec), text);
  }
}

TEST(Delay, UnitsAreNeeded) {
  for (const char* text :
       {"10", "", "ms", "10 parsecs", "uniform:5ms", "uniform:9ms,5ms", "lognormal:100ms,50ms",
        "gamma:1ms,2", "2h", "-1ms", "normal:1ms,2ms,3ms"}) {
    EXPECT_FALSE(parse_delay(text)) << text;
  }
  EXPECT_THAT(parse_delay("10").error().message, HasSubstr("10ms"));
  EXPECT_EQ(parse_duration("1.5s").value(), 1500ms);
}

TEST(Delay, DrawsHaveTheMeanTheySay) {
  for (const char* text :
       {"10ms", "uniform:5ms,15ms", "normal:10ms,2ms", "lognormal:100ms,0.5", "exponential:10ms"}) {
    const DelaySpec spec = parse_delay(text).value();
    Random random(1, "delay");
    double sum = 0;
    constexpr int kDraws = 40'000;
    for (int i = 0; i < kDraws; ++i) sum += static_cast<double>(spec.draw(random).count());
    EXPECT_NEAR(sum / kDraws / spec.mean(), 1, 0.02) << text;
  }
}

TEST(Delay, NoDrawIsNegativeOrLongerThanAnHour) {
  Random random(1, "delay");
  const DelaySpec wide = parse_delay("normal:1ms,10ms").value();
  const DelaySpec heavy = parse_delay("lognormal:10m,5").value();
  for (int i = 0; i < 2000; ++i) {
    EXPECT_GE(wide.draw(random), 0ns);
    EXPECT_LE(heavy.draw(random), 1h);
  }
}

}  // namespace
}  // namespace kneepoint::emulator
