#include "run/timelines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run/gzip.h"

namespace kneepoint::run {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(TimelineLines, SayWhatHappenedInOneLineOfJson) {
  metrics::Timeline timeline;
  timeline.due = 5ms;
  timeline.sent = 5ms + 81us;
  timeline.first_byte = 29ms;
  timeline.end = 315ms;
  timeline.usage = metrics::Usage{Tokens(128), Tokens(2), Tokens(0)};
  timeline.events = {{24ms, 1}, {34ms, 0}};
  EXPECT_EQ(to_timeline_line(3, timeline),
            "{\"point\":3,\"due\":5000000,\"sent\":5081000,\"first_byte\":29000000,"
            "\"end\":315000000,\"outcome\":\"completed\",\"streamed\":true,\"usage\":[128,2,0],"
            "\"events\":[24000000,1,10000000,0]}\n");
}

TEST(TimelineLines, WhatDidNotHappenIsLeftOut) {
  metrics::Timeline timeline;
  timeline.outcome = metrics::Outcome::TimedOut;
  timeline.streamed = false;
  const auto back = parse_timeline_lines(to_timeline_line(0, timeline));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 1u);
  EXPECT_FALSE(back->front().sent || back->front().first_byte || back->front().usage);
  EXPECT_EQ(back->front().outcome, metrics::Outcome::TimedOut);
  EXPECT_FALSE(back->front().streamed);
}

TEST(TimelineLines, EveryOutcomeComesBack) {
  for (const metrics::Outcome outcome : metrics::kOutcomes) {
    metrics::Timeline timeline;
    timeline.outcome = outcome;
    EXPECT_EQ(parse_timeline_lines(to_timeline_line(0, timeline)).value().at(0).outcome, outcome);
  }
}

TEST(TimelineLines, AWrongLineIsNamed) {
  const std::string good = to_timeline_line(0, {});
  for (const char* bad :
       {"{}", "[1]", "{\"due\":1}", "nonsense",
        R"({"due":0,"end":1,"outcome":"well","streamed":true})",
        R"({"due":0,"end":1,"outcome":"failed","streamed":true,"events":[1]})",
        R"({"due":0,"end":1,"outcome":"failed","streamed":true,"events":[-1,1]})",
        R"({"due":0,"end":1,"outcome":"failed","streamed":true,"usage":[1,2]})"}) {
    const auto read = parse_timeline_lines(good + bad + "\n");
    ASSERT_FALSE(read) << bad;
    EXPECT_THAT(read.error().message, HasSubstr("line 2"));
  }
}

TEST(Gzip, MembersOneAfterAnotherComeBackOneByOne) {
  const std::string packed = compress("first").value() + compress("second").value();
  std::string_view left = packed;
  EXPECT_EQ(decompress(left, 100).value(), "first");
  EXPECT_EQ(decompress(left, 100).value(), "second");
  EXPECT_TRUE(left.empty());
}

TEST(Gzip, CutAnywhereIsAnError) {
  const std::string packed = compress(std::string(1000, 'x') + "end").value();
  for (std::size_t size = 0; size < packed.size(); ++size) {
    std::string_view left = std::string_view(packed).substr(0, size);
    EXPECT_FALSE(decompress(left, 10'000)) << size;
  }
}

TEST(Gzip, UnpacksToNoMoreThanAllowed) {
  const std::string packed = compress(std::string(1 << 20, '\0')).value();
  std::string_view left = packed;
  EXPECT_THAT(decompress(left, (1 << 20) - 1).error().message, HasSubstr("more than"));
  EXPECT_EQ(decompress(left, 1 << 20).value().size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace kneepoint::run
