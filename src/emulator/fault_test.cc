#include "emulator/fault.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::emulator {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST(Fault, ReadsItsWords) {
  EXPECT_EQ(parse_fault("reject:503@0.1").error().message, "reject:STATUS is from 400 to 499");
  const Fault reject = parse_fault("reject:408@0.1").value();
  EXPECT_EQ(reject.kind, FaultKind::Reject);
  EXPECT_EQ(reject.status, 408);
  EXPECT_DOUBLE_EQ(reject.share, 0.1);
  EXPECT_EQ(parse_fault("reject").value().status, 429);
  EXPECT_EQ(parse_fault("error@1").value().status, 500);
  EXPECT_EQ(parse_fault("slow-start:5s").value().time, 5s);
  EXPECT_EQ(parse_fault("die-after:9").value().number, 9);
  EXPECT_EQ(parse_fault("cut:3@0.5").value().number, 3);
}

TEST(Fault, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(parse_fault("explode").error().message, HasSubstr("sse-error"));
  for (const char* text : {"", "stall@2", "stall@", "stall:x", "die-after", "slow-start", "cut:-1",
                           "refuse:3", "die-after:3@0.5", "slow-start:5"}) {
    EXPECT_FALSE(parse_fault(text)) << text;
  }
}

TEST(Fault, HitsItsShareAndTheSameRequestsEachTime) {
  const std::vector<Fault> faults{parse_fault("reject@0.1").value(),
                                  parse_fault("stall@0.3").value()};
  const FaultPlan plan(faults, 5), again(faults, 5), other(faults, 6);
  int rejected = 0, stalled = 0, differ = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Fate fate = plan.fate(i, 50);
    rejected += fate.status == 429 ? 1 : 0;
    stalled += fate.breaks == FaultKind::Stall ? 1 : 0;
    differ += fate.status != other.fate(i, 50).status ? 1 : 0;
    EXPECT_EQ(fate.status, again.fate(i, 50).status);
    EXPECT_EQ(fate.after, again.fate(i, 50).after);
    EXPECT_LT(fate.after, 50);
  }
  EXPECT_NEAR(rejected, 400, 60);
  EXPECT_NEAR(stalled, 1200, 100);
  EXPECT_GT(differ, 100);
}

TEST(Fault, OneMoreDoesNotMoveAnother) {
  const FaultPlan one({parse_fault("cut@0.2").value()}, 5);
  const FaultPlan two({parse_fault("wrong-usage@0.5").value(), parse_fault("cut@0.2").value()}, 5);
  for (std::uint64_t i = 0; i < 200; ++i) EXPECT_EQ(one.fate(i, 9).breaks, two.fate(i, 9).breaks);
}

}  // namespace
}  // namespace kneepoint::emulator
