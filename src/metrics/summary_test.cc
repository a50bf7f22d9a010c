#include "metrics/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <vector>

namespace kneepoint::metrics {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Due at `due`, events at these milliseconds after, one token each by usage.
Timeline answer(Nanos due, std::initializer_list<int> at_ms) {
  Timeline out;
  out.due = due;
  out.sent = due + 1ms;
  for (const int ms : at_ms) out.events.emplace_back(std::chrono::milliseconds(ms), 0);
  out.end = due + (out.events.empty() ? 5ms : out.events.back().after_due());
  out.usage = Usage{Tokens(100), Tokens(static_cast<std::int64_t>(out.events.size())), Tokens(0)};
  return out;
}

Timeline broken(Nanos due, Outcome outcome, std::initializer_list<int> at_ms = {}) {
  Timeline out = answer(due, at_ms);
  out.outcome = outcome;
  out.usage.reset();
  return out;
}

constexpr Window kTenSeconds{0s, 10s};

/// Three answers, one of a token, one of none, and one of each that did not complete.
std::vector<Timeline> small_run() {
  return {answer(0s, {100, 120, 140, 160}),
          answer(1s, {200, 230}),
          answer(2s, {300, 310, 320}),
          answer(3s, {50}),
          answer(4s, {}),
          broken(5s, Outcome::Failed, {10, 1000}),
          broken(6s, Outcome::Rejected),
          broken(7s, Outcome::TimedOut, {10}),
          broken(8s, Outcome::Cancelled)};
}

TEST(Summary, OfHandMadeTimelines) {
  const Summary s = summarize(tally(small_run(), kTenSeconds));
  EXPECT_EQ(s.requests, 9U);
  EXPECT_EQ(s.of(Outcome::Completed), 5U);
  for (const Outcome other :
       {Outcome::Failed, Outcome::Rejected, Outcome::TimedOut, Outcome::Cancelled}) {
    EXPECT_EQ(s.of(other), 1U);
  }

  EXPECT_EQ(s.of(Metric::Ttft).values, 4U);  // the empty answer has none
  EXPECT_DOUBLE_EQ(s.of(Metric::Ttft).mean, 162.5);
  EXPECT_NEAR(s.of(Metric::Ttft).p50, 100, 0.1);
  EXPECT_DOUBLE_EQ(s.of(Metric::Ttft).max, 300);
  EXPECT_EQ(s.of(Metric::Tpot).values, 3U);  // nor has that of one token
  EXPECT_DOUBLE_EQ(s.of(Metric::Tpot).mean, 20);
  EXPECT_EQ(s.of(Metric::Itl).values, 6U);
  EXPECT_DOUBLE_EQ(s.of(Metric::Itl).max, 30);
  EXPECT_EQ(s.of(Metric::Ntpot).values, 4U);
  EXPECT_DOUBLE_EQ(s.of(Metric::Ntpot).max, 115);
  EXPECT_DOUBLE_EQ(s.of(Metric::E2e).max, 320);
  EXPECT_EQ(s.send_delay.values, 9U);
  EXPECT_DOUBLE_EQ(s.send_delay.max, 1);

  EXPECT_DOUBLE_EQ(s.requests_per_second->per_second(), 0.5);
  EXPECT_DOUBLE_EQ(s.output_rate->per_second(), 1.0);  // 4 + 2 + 3 + 1 + 0
  EXPECT_DOUBLE_EQ(s.input_rate->per_second(), 50);
  EXPECT_EQ(s.tokens_counted_by, "usage");
  EXPECT_FALSE(s.good_share);
  EXPECT_THAT(remarks(s), ElementsAre("latencies are of 5 of 9 requests; the others did not "
                                      "complete"));
}

TEST(Summary, OfNothingIsMissingEverywhere) {
  const Summary s = summarize(tally({}, Window{}));
  EXPECT_EQ(s.requests, 0U);
  EXPECT_TRUE(is_missing(s.of(Metric::Ttft).mean));
  EXPECT_TRUE(is_missing(s.of(Metric::Ttft).p95));
  EXPECT_FALSE(s.requests_per_second || s.output_rate || s.input_rate || s.goodput);
  EXPECT_EQ(s.tokens_counted_by, "");
  EXPECT_THAT(remarks(s), IsEmpty());
}

TEST(Summary, PercentilesAreWithinTheStatedError) {
  std::vector<Timeline> run;
  for (int ms = 1; ms <= 1000; ++ms) run.push_back(answer(0s, {ms}));
  const Spread ttft = summarize(tally(run, kTenSeconds)).of(Metric::Ttft);
  EXPECT_DOUBLE_EQ(ttft.mean, 500.5);
  EXPECT_NEAR(ttft.p50, 500, 0.5);
  EXPECT_NEAR(ttft.p90, 900, 0.9);
  EXPECT_NEAR(ttft.p95, 950, 0.95);
  EXPECT_NEAR(ttft.p99, 990, 0.99);
  EXPECT_EQ(ttft.max, 1000);
}

TEST(Window, LatenciesGoByDueAndRatesByCompletion) {
  const std::vector<Timeline> run{
      answer(0s, {6000}),         // warm-up: its token falls in the window, its latency does not
      answer(6s, {100, 200}),     //
      answer(9900ms, {50, 5000})  // ends in the drain
  };
  const Summary s = summarize(tally(run, Window{5s, 10s}));
  EXPECT_EQ(s.requests, 2U);
  EXPECT_EQ(s.of(Metric::E2e).values, 2U);
  EXPECT_DOUBLE_EQ(s.of(Metric::E2e).max, 5000);
  EXPECT_DOUBLE_EQ(s.requests_per_second->per_second(), 0.4);
  EXPECT_DOUBLE_EQ(s.output_rate->per_second(), 0.6);
}

TEST(Window, OfTheWholeRunHoldsEveryRequest) {
  const auto run = small_run();
  const Window whole = whole_run(run);
  for (const Timeline& t : run) EXPECT_TRUE(whole.holds(t.due) && whole.holds(t.end));
  EXPECT_EQ(whole.length(), 8s + 5ms + 1ns);
  EXPECT_EQ(whole_run({}).length(), 0ns);
}

TEST(Goodput, IsTheShareOfAllRequestsThatMeetEveryBound) {
  const std::vector<Bound> bounds{{Metric::Ttft, 200ms}, {Metric::Tpot, 25ms}};
  const Summary s = summarize(tally(small_run(), kTenSeconds, bounds));
  // The first and that of one token. 200 ms is on the bound, but 30 ms a token is not.
  EXPECT_DOUBLE_EQ(*s.good_share, 2.0 / 9);
  EXPECT_DOUBLE_EQ(s.goodput->per_second(), 0.2);
}

TEST(Goodput, WhatWasNotSeenIsNotGood) {
  const auto good = [](const Timeline& t, Metric metric) {
    const Bound bound{metric, 10s};
    return is_good(t, {}, {&bound, 1});
  };
  EXPECT_TRUE(good(answer(0s, {50}), Metric::Itl));  // one token: no gap to be late
  EXPECT_TRUE(good(answer(0s, {50}), Metric::Ntpot));
  EXPECT_FALSE(good(answer(0s, {}), Metric::Ttft));
  EXPECT_FALSE(good(answer(0s, {}), Metric::Tpot));
  Timeline whole = answer(0s, {50});
  whole.usage->output = Tokens(20);
  EXPECT_FALSE(good(whole, Metric::Tpot));
  whole.streamed = false;
  EXPECT_FALSE(good(whole, Metric::Ttft));
  EXPECT_TRUE(good(whole, Metric::E2e));
  EXPECT_FALSE(good(broken(0s, Outcome::Failed, {10, 20}), Metric::Ttft));
}

TEST(Goodput, OnItlIsOfTheLongestGap) {
  const Bound bound{Metric::Itl, 25ms};
  EXPECT_TRUE(is_good(answer(0s, {100, 120, 145}), {}, {&bound, 1}));
  EXPECT_FALSE(is_good(answer(0s, {100, 101, 127}), {}, {&bound, 1}));
}

TEST(TokenCounts, SayWhereTheyComeFrom) {
  std::vector<Timeline> run{answer(0s, {100, 120}), answer(0s, {100, 120, 130})};
  run[1].usage.reset();
  const Summary mixed = summarize(tally(run, kTenSeconds));
  EXPECT_EQ(mixed.tokens_counted_by, "usage of 1 requests, events of 1");
  EXPECT_DOUBLE_EQ(mixed.output_rate->per_second(), 0.5);
  EXPECT_FALSE(mixed.input_rate);
  run[0].usage.reset();
  const Summary events = summarize(tally(run, kTenSeconds));
  EXPECT_EQ(events.tokens_counted_by, "events");
  EXPECT_THAT(remarks(events), ElementsAre(HasSubstr("tokens counted by events")));
}

TEST(TokenCounts, ThatDisagreeAreReported) {
  std::vector<Timeline> run{answer(0s, {100})};
  run[0].events = {{100ms, 1}, {120ms, 3}};
  run[0].usage->output = Tokens(5);
  const Summary s = summarize(tally(run, kTenSeconds));
  EXPECT_EQ(s.counts_disagree, 1U);
  EXPECT_DOUBLE_EQ(s.output_rate->per_second(), 0.5);
}

TEST(TokenCounts, OfAServerThatStreamsFourAtATimeMarkItl) {
  std::vector<Timeline> run;
  for (int i = 0; i < 20; ++i) {
    Timeline t = answer(0s, {100, 140, 180, 220});
    t.usage->output = Tokens(13);
    run.push_back(t);
  }
  const Summary s = summarize(tally(run, kTenSeconds));
  EXPECT_EQ(s.of(Metric::Itl).values, 240U);
  EXPECT_DOUBLE_EQ(s.of(Metric::Itl).mean, 10);
  EXPECT_DOUBLE_EQ(s.of(Metric::Tpot).mean, 10);
  EXPECT_TRUE(s.pattern.itl_marked());
  EXPECT_THAT(remarks(s), ElementsAre(HasSubstr("streams 4 tokens per event")));
}

std::vector<Timeline> random_run(std::uint64_t seed, std::size_t n) {
  std::mt19937_64 random(seed);
  std::vector<Timeline> out;
  for (std::size_t i = 0; i < n; ++i) {
    Timeline t = answer(std::chrono::milliseconds(random() % 10'000), {});
    Nanos at{static_cast<std::int64_t>(random() % 500'000'000)};
    for (std::uint64_t k = random() % 30; k > 0; --k) {
      t.events.emplace_back(at, 0);
      at += Nanos(static_cast<std::int64_t>(random() % 40'000'000));
    }
    t.end = t.due + at;
    t.outcome = kOutcomes[random() % 20 < 16 ? 0 : 1 + random() % 4];
    t.usage->output = Tokens(static_cast<std::int64_t>(t.events.size()));
    out.push_back(t);
  }
  return out;
}

TEST(Tally, OfPartsIsThatOfTheWhole) {
  const auto run = random_run(3, 600);
  const Window window{2s, 9s};
  const std::vector<Bound> bounds{{Metric::Ttft, 300ms}, {Metric::Itl, 39ms}};
  const StreamingPattern pattern = streaming_pattern(run);
  const Tally whole = tally(run, window, bounds);
  const std::span<const Timeline> all(run);
  Tally parts = tally(all.subspan(0, 250), window, bounds, pattern);
  ASSERT_TRUE(parts.merge(tally(all.subspan(250, 100), window, bounds, pattern)));
  ASSERT_TRUE(parts.merge(tally(all.subspan(350), window, bounds, pattern)));
  EXPECT_EQ(parts.latency, whole.latency);
  EXPECT_EQ(parts.send_delay, whole.send_delay);
  EXPECT_EQ(parts.by_outcome, whole.by_outcome);
  EXPECT_EQ(parts.good, whole.good);
  EXPECT_EQ(parts.completed, whole.completed);
  EXPECT_EQ(parts.output, whole.output);
  EXPECT_EQ(parts.input, whole.input);
  EXPECT_EQ(parts.pattern, whole.pattern);
}

TEST(Tally, LosesNoRequest) {
  const auto run = random_run(4, 500);
  const Summary s = summarize(tally(run, whole_run(run)));
  EXPECT_EQ(s.requests, run.size());
  // Windows that follow each other share nothing and leave nothing out.
  const Window whole = whole_run(run);
  const Window first{whole.from, 4s}, second{4s, whole.to};
  const Tally a = tally(run, first), b = tally(run, second), c = tally(run, whole);
  EXPECT_EQ(a.completed + b.completed, c.completed);
  EXPECT_EQ(a.output + b.output, c.output);
  EXPECT_EQ(a.latency[0].count() + b.latency[0].count(), c.latency[0].count());
}

TEST(Tally, OfAnotherWindowIsNotAdded) {
  Tally one = tally(small_run(), kTenSeconds);
  const auto result = one.merge(tally(small_run(), Window{0s, 5s}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::Conflict);
  EXPECT_EQ(one.completed, 5U);
}

TEST(Tally, OfPartsThatStreamDifferentlyIsMixed) {
  Tally one = tally({}, kTenSeconds, {}, {StreamingPattern::Kind::One, 1, true});
  ASSERT_TRUE(one.merge(tally({}, kTenSeconds)));  // a part that saw nothing changes nothing
  EXPECT_EQ(one.pattern.kind, StreamingPattern::Kind::One);
  ASSERT_TRUE(one.merge(tally({}, kTenSeconds, {}, {StreamingPattern::Kind::EveryN, 4, true})));
  EXPECT_EQ(one.pattern, (StreamingPattern{StreamingPattern::Kind::Mixed, 4, false}));
}

}  // namespace
}  // namespace kneepoint::metrics
