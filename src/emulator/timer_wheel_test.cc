#include "emulator/timer_wheel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace kneepoint::emulator {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<TimerWheel::Id> fired(TimerWheel& wheel, Nanos now) {
  std::vector<TimerWheel::Id> ids;
  wheel.advance(now, [&](TimerWheel::Id id) { ids.push_back(id); });
  return ids;
}

TEST(TimerWheel, FiresInOrderOfTimeAndThenOfSetting) {
  TimerWheel wheel;
  wheel.set(3, 20ms);
  wheel.set(1, 5ms);
  wheel.set(2, 5ms);
  EXPECT_THAT(fired(wheel, 4ms), IsEmpty());
  EXPECT_THAT(fired(wheel, 100ms), ElementsAre(1, 2, 3));
  EXPECT_EQ(wheel.size(), 0U);
  EXPECT_FALSE(wheel.next());
}

TEST(TimerWheel, IsNeverEarlyAndLateByLessThanATick) {
  TimerWheel wheel(1000s);
  Random random(7, "wheel");
  std::map<TimerWheel::Id, Nanos> due;
  for (TimerWheel::Id id = 0; id < 500; ++id) {
    due[id] = 1000s + Nanos(random.below(5'000'000'000));
    wheel.set(id, due[id]);
  }
  while (const auto next = wheel.next()) {
    wheel.advance(*next, [&](TimerWheel::Id id) {
      EXPECT_GE(*next, due.at(id));
      EXPECT_LT(*next - due.at(id), TimerWheel::kTick);
      due.erase(id);
    });
  }
  EXPECT_TRUE(due.empty());
}

TEST(TimerWheel, ATimerTurnsOfTheWheelAwayWaitsForItsTurn) {
  TimerWheel wheel;
  wheel.set(0, 10s);
  for (Nanos now = 0s; now < 10s; now += 100ms) EXPECT_THAT(fired(wheel, now), IsEmpty());
  EXPECT_THAT(fired(wheel, 10s + TimerWheel::kTick), ElementsAre(0));
}

TEST(TimerWheel, SettingAgainMovesAndCancelForgets) {
  TimerWheel wheel;
  wheel.set(0, 5ms);
  wheel.set(1, 5ms);
  wheel.set(2, 5ms);
  wheel.set(0, 50ms);
  wheel.cancel(1);
  wheel.cancel(9);
  EXPECT_THAT(fired(wheel, 10ms), ElementsAre(2));
  EXPECT_THAT(fired(wheel, 60ms), ElementsAre(0));
}

TEST(TimerWheel, WhatFiringSetsForATimePastFiresNextAndWhatItCancelsDoesNotFire) {
  TimerWheel wheel;
  wheel.set(0, 5ms);
  wheel.set(1, 5ms);
  std::vector<TimerWheel::Id> ids;
  const auto fire = [&](TimerWheel::Id id) {
    ids.push_back(id);
    if (ids.size() < 3) wheel.set(0, 1ms);
    wheel.cancel(1);
  };
  wheel.advance(6ms, fire);
  EXPECT_THAT(ids, ElementsAre(0, 0, 0));
  EXPECT_EQ(wheel.size(), 0U);
}

}  // namespace
}  // namespace kneepoint::emulator
