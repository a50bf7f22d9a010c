#include "workload/think_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::workload {
namespace {

using testing::HasSubstr;

double mean_of(std::string_view text) {
  const auto think = parse_think_time(text);
  EXPECT_TRUE(think) << think.error().message;
  Random random(7, "think");
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    sum += std::chrono::duration<double>(think->draw(random)).count();
  }
  return sum / 100'000;
}

TEST(ThinkTime, ReadsBackWhatItWritesAndKeepsItsMean) {
  for (const auto& [text, mean] :
       std::vector<std::pair<std::string_view, double>>{{"1.5", 1.5},
                                                        {"0", 0},
                                                        {"uniform:2,10", 6},
                                                        {"exponential:4", 4},
                                                        {"lognormal:4,3", 4}}) {
    EXPECT_EQ(to_text(*parse_think_time(text)), text);
    EXPECT_NEAR(mean_of(text), mean, 0.01 * mean) << text;
  }
}

TEST(ThinkTime, IsNeverLongerThanADay) {
  Random random(7, "think");
  const ThinkTime think = *parse_think_time("lognormal:86400,86400");
  for (int i = 0; i < 1000; ++i) EXPECT_LE(think.draw(random), std::chrono::hours(24));
}

TEST(ThinkTime, ErrorsNameTheColumn) {
  const auto error = [](std::string_view text) {
    const auto think = parse_think_time(text);
    EXPECT_FALSE(think) << text;
    return think ? "" : think.error().message;
  };
  EXPECT_THAT(error("uniform:2,x"), HasSubstr("column 11: must be seconds from 0 to 86400"));
  EXPECT_THAT(error("uniform:2"), HasSubstr("column 10: expected 2 numbers: uniform:2,10"));
  EXPECT_THAT(error("uniform:3,2"), HasSubstr("the most is below the least"));
  EXPECT_THAT(error("exponential:2,3"), HasSubstr("expected 1 number"));
  EXPECT_THAT(error("exponential"), HasSubstr("must be seconds"));
  EXPECT_THAT(error("lognormal:0,3"), HasSubstr("the mean must be above 0"));
  EXPECT_THAT(error("lognormal:1e-9,3"), HasSubstr("above 1000 times the mean"));
  EXPECT_THAT(error("gamma:3"), HasSubstr("column 1: expected seconds, uniform:"));
  EXPECT_THAT(error(""), HasSubstr("must be seconds"));
  EXPECT_THAT(error("-1"), HasSubstr("must be seconds"));
}

}  // namespace
}  // namespace kneepoint::workload
