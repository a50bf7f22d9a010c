#include "http/loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>

namespace kneepoint::http {
namespace {

using namespace std::chrono_literals;

class LoopTest : public ::testing::Test {
 protected:
  std::unique_ptr<Loop> loop_ = Loop::open().value();
};

TEST_F(LoopTest, TimersRunInTheOrderOfTheirTimes) {
  std::string order;
  const Time start = loop_->now();
  loop_->at(start + 2ms, [&] { order += 'c'; });
  loop_->at(start + 1ms, [&] { order += 'a'; });
  loop_->at(start + 1ms, [&] { order += 'b'; });
  const auto never = loop_->at(start + 1ms, [&] { order += 'x'; });
  loop_->cancel(never);
  EXPECT_TRUE(loop_->run_until([&] { return order.size() == 3; }, start + 5s));
  EXPECT_EQ(order, "abc");
  EXPECT_GE(loop_->now(), start + 2ms);
}

TEST_F(LoopTest, GivesUpAtTheTimeAsked) {
  const Time start = loop_->now();
  EXPECT_FALSE(loop_->run_until([] { return false; }, start + 3ms));
  EXPECT_GE(loop_->now(), start + 3ms);
}

TEST_F(LoopTest, ATimerMaySetAnother) {
  int count = 0;
  std::function<void()> again = [&] {
    if (++count < 5) loop_->at(loop_->now(), again);
  };
  loop_->at(loop_->now(), again);
  EXPECT_TRUE(loop_->run_until([&] { return count == 5; }, loop_->now() + 5s));
}

TEST_F(LoopTest, OtherThreadsPostAndStop) {
  int seen = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop_->post([&] { ++seen; });
    loop_->post([&] { loop_->stop(); });
  });
  loop_->run();
  other.join();
  EXPECT_EQ(seen, 100);
}

struct Drain final : Watcher {
  void on_ready(Ready ready) override {
    ended = ended || ready.ended;
    if (!ready.readable) return;
    ++times;
    if (!reading) return;
    std::array<char, 64> bytes{};
    const ssize_t count = read(descriptor, bytes.data(), bytes.size());
    if (count > 0) text.append(bytes.data(), static_cast<std::size_t>(count));
    ++reads;
  }
  int descriptor = -1;
  int reads = 0;
  int times = 0;
  bool reading = true;
  bool ended = false;
  std::string text;
};

TEST_F(LoopTest, WhatComesWithinOnePauseIsReadInOneGo) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  Drain drain;
  drain.descriptor = ends[0];
  const auto loop = Loop::open({.read_every = 20ms}).value();
  const auto watch = loop->watch(ends[0], drain, false);
  ASSERT_TRUE(watch);
  const Time start = loop->now();
  for (int i = 0; i < 10; ++i) {
    loop->at(start + i * 1ms, [&] { EXPECT_EQ(write(ends[1], "x", 1), 1); });
  }
  EXPECT_TRUE(loop->run_until([&] { return drain.text.size() == 10; }, start + 5s));
  EXPECT_LE(drain.reads, 5);
  loop->unwatch(*watch);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(LoopTest, WhoAsksToBeToldOnceIsToldOnceOfWhatComes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  Drain drain;
  drain.descriptor = ends[0];
  drain.reading = false;
  const auto watch = loop_->watch(ends[0], drain, false);
  ASSERT_TRUE(watch);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  loop_->tell_once(*watch);  // what lies there already is told
  EXPECT_FALSE(loop_->run_until([&] { return drain.times > 1; }, loop_->now() + 10ms));
  EXPECT_EQ(drain.times, 1);
  ASSERT_EQ(write(ends[1], "y", 1), 1);
  EXPECT_TRUE(loop_->run_until([&] { return drain.times == 2; }, loop_->now() + 5s));
  EXPECT_FALSE(drain.ended);
  close(ends[1]);
  EXPECT_TRUE(loop_->run_until([&] { return drain.times == 3; }, loop_->now() + 5s));
  EXPECT_TRUE(drain.ended);  // and so knows that it has to read until the end
  loop_->unwatch(*watch);
  close(ends[0]);
}

TEST_F(LoopTest, WhoIsUnwatchedIsNotToldAnyMore) {
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  Drain drain;
  drain.descriptor = ends[0];
  const auto watch = loop_->watch(ends[0], drain, false);
  ASSERT_TRUE(watch);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  loop_->unwatch(*watch);
  EXPECT_FALSE(loop_->run_until([] { return false; }, loop_->now() + 3ms));
  EXPECT_EQ(drain.reads, 0);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace kneepoint::http
