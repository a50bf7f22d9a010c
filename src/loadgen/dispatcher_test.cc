#include "loadgen/dispatcher.h"

#include <gtest/gtest.h>

#include <vector>

#include "workload/arrival.h"
#include "workload/prompt_maker.h"

namespace kneepoint::loadgen {
namespace {

using namespace std::chrono_literals;
using workload::kNever;

RequestWriter writer() {
  Target target;
  target.endpoint =
      http::resolve(http::Url{.tls = false, .host = "127.0.0.1", .port = 1, .base = ""}).value();
  target.model = "m";
  return RequestWriter::open(target, workload::token_id_prompts(1)).value();
}

workload::RunSpec spec_of(std::int64_t requests) {
  workload::RunSpec spec;
  spec.seed = 1;
  spec.lengths.input.first = 4;
  spec.lengths.output.first = 2;
  spec.requests = requests;
  return spec;
}

workload::Arrivals every(double rate) {
  return {.pattern = workload::ArrivalPattern::Constant, .rate = rate};
}

struct Bench {
  explicit Bench(const workload::RunSpec& spec, std::int64_t cap)
      : dispatcher(workload::Generator::open(spec).value(), requests, cap) {}
  /// All that go at this time.
  std::vector<Dispatch> take(Nanos now) {
    std::vector<Dispatch> out;
    while (auto next = dispatcher.take(now).value()) out.push_back(std::move(*next));
    return out;
  }
  RequestWriter requests = writer();
  Dispatcher dispatcher;
};

TEST(Dispatcher, NeverHasMoreOutThanItsCap) {
  auto spec = spec_of(100);
  spec.arrivals = every(1000);
  spec.in_flight = 3;
  Bench bench(spec, 3);
  std::vector<Dispatch> out;
  std::size_t sent = 0;
  for (Nanos now{}; !bench.dispatcher.exhausted() || !out.empty(); now += 2ms) {
    ASSERT_LT(now, 10s);
    for (Dispatch& next : bench.take(now)) {
      EXPECT_FALSE(next.wire.empty());
      EXPECT_LE(next.due, now);
      EXPECT_LE(next.free, now);
      EXPECT_GE(next.free, next.due);
      out.push_back(std::move(next));
      ++sent;
    }
    EXPECT_LE(bench.dispatcher.in_flight(), 3);
    EXPECT_EQ(bench.dispatcher.in_flight(), static_cast<std::int64_t>(out.size()));
    EXPECT_EQ(bench.dispatcher.is_full(), out.size() == 3);
    bench.dispatcher.ended(out.front(), now + 1ms, now + 1ms);
    out.erase(out.begin());
  }
  EXPECT_EQ(sent, 100u);
  EXPECT_GT(bench.dispatcher.waited_for_place(), 50);
}

TEST(Dispatcher, SaysWhenTheNextIsDue) {
  auto spec = spec_of(3);
  spec.arrivals = every(100);
  Bench bench(spec, 10);
  ASSERT_TRUE(bench.dispatcher.prepare());
  const Nanos first = bench.dispatcher.next_due();
  EXPECT_TRUE(bench.take(first - 1ns).empty());
  const auto out = bench.take(first);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out.front().due, first);
  EXPECT_EQ(bench.dispatcher.next_due(), first + 10ms);
  EXPECT_EQ(bench.take(first + 1h).size(), 2u) << "late ones keep their due times";
  EXPECT_EQ(bench.dispatcher.next_due(), kNever);
  EXPECT_TRUE(bench.dispatcher.exhausted());
}

TEST(Dispatcher, AClosedLoopSendsTheNextWhenOneHasEnded) {
  auto spec = spec_of(5);
  spec.in_flight = 2;
  Bench bench(spec, 2);
  auto out = bench.take(0ns);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_TRUE(bench.take(5ms).empty());
  bench.dispatcher.ended(out[0], 6ms, 7ms);
  const auto next = bench.take(8ms);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next.front().due, 8ms) << "it is never late by itself";
  EXPECT_EQ(bench.dispatcher.waited_for_place(), 0);
}

TEST(Dispatcher, ATurnComesWhenTheUserHasReadTheAnswerAndThought) {
  auto spec = spec_of(6);
  spec.in_flight = 8;
  spec.arrivals = every(1000);
  spec.sessions = workload::Sessions{.turns = {}, .think = {}};
  spec.sessions->turns.first = 3;
  spec.sessions->think = workload::parse_think_time("2").value();
  Bench bench(spec, 8);
  auto out = bench.take(1s);
  ASSERT_GE(out.size(), 1u);
  Dispatch first = std::move(out.front());
  EXPECT_EQ(first.plan.turn, 0);
  ASSERT_FALSE(first.later.empty());
  EXPECT_TRUE(bench.take(100s).empty()) << "no turn before the answer";
  EXPECT_FALSE(bench.dispatcher.exhausted());
  // Read at 101 s though it ended at 100 s: the thinking began at 100 s.
  bench.dispatcher.ended(first, 100s, 101s);
  EXPECT_EQ(bench.dispatcher.next_due(), 102s);
  EXPECT_TRUE(bench.take(102s - 1ns).empty());
  auto turn = bench.take(102s);
  ASSERT_EQ(turn.size(), 1u);
  EXPECT_EQ(turn.front().plan.turn, 1);
  EXPECT_EQ(turn.front().plan.session, first.plan.session);
  EXPECT_EQ(turn.front().due, 102s);
  // Told so late that the thinking is over: due now, not before anybody knew.
  bench.dispatcher.ended(turn.front(), 103s, 200s);
  EXPECT_EQ(bench.dispatcher.next_due(), 200s);
}

TEST(Dispatcher, SendsNothingOnceItIsStopped) {
  auto spec = spec_of(50);
  spec.arrivals = every(1000);
  Bench bench(spec, 100);
  auto out = bench.take(5ms);
  ASSERT_FALSE(out.empty());
  bench.dispatcher.stop();
  EXPECT_TRUE(bench.take(1h).empty());
  EXPECT_TRUE(bench.dispatcher.exhausted());
  EXPECT_EQ(bench.dispatcher.next_due(), kNever);
  for (Dispatch& one : out) bench.dispatcher.ended(one, 1h, 1h);
  EXPECT_EQ(bench.dispatcher.in_flight(), 0);
}

TEST(Dispatcher, WritesABoundedNumberOfRequestsAhead) {
  auto spec = spec_of(100'000);
  spec.arrivals = every(1);
  spec.lengths.input.first = 200'000;  // 1 MB of ids each
  Bench bench(spec, 10);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(bench.dispatcher.prepare());
  EXPECT_LT(std::chrono::steady_clock::now() - start, 20s) << "not all 100,000 of them";
}

}  // namespace
}  // namespace kneepoint::loadgen
