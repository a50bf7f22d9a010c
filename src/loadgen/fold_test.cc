#include "loadgen/fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace kneepoint::loadgen {
namespace {

using namespace std::chrono_literals;
using metrics::Metric;
using metrics::Timeline;

/// One of a steady stream: due every 10 ms, TTFT about 50 ms, four tokens 5 ms apart.
Timeline answer(Random& random, std::int64_t index) {
  Timeline out;
  out.due = 10ms * index;
  out.sent = out.due + 20us;
  const auto ttft = 50ms + Nanos(static_cast<std::int64_t>(random.exponential() * 1e6));
  for (int i = 0; i < 4; ++i) out.events.emplace_back(ttft + 5ms * i, 1);
  out.end = out.due + ttft + 15ms;
  out.usage = metrics::Usage{.input = Tokens(3), .output = Tokens(4), .reasoning = {}};
  return out;
}

TEST(Fold, SaysWhatTheTimelinesWouldHaveSaid) {
  std::vector<Timeline> all;
  Random random(1, "fold");
  for (int i = 0; i < 2000; ++i) all.push_back(answer(random, i));
  const std::vector bounds{metrics::Bound{Metric::Ttft, 51ms}};
  Fold fold(bounds);
  const Nanos load_end = all.back().due + 1ns;
  fold.end_load(load_end);
  for (const Timeline& one : all) {
    fold.on_sent(one.due);
    fold.add(one);
  }
  const auto kept = fold.finish(3s);
  // A cut at a boundary of a slice stays where it is only when the slices are fine enough.
  const metrics::Window window = kept.tally.window;
  EXPECT_GE(window.from, 3s);
  EXPECT_LE(window.from, 4500ms);
  const metrics::Tally whole = metrics::tally(all, {window.from, load_end}, bounds);
  for (const Metric metric : metrics::kMetrics) {
    const auto m = static_cast<std::size_t>(metric);
    EXPECT_EQ(kept.tally.latency[m], whole.latency[m]) << metrics::name(metric);
  }
  EXPECT_EQ(kept.tally.by_outcome, whole.by_outcome);
  EXPECT_EQ(kept.tally.good, whole.good);
  EXPECT_EQ(kept.tally.completed, whole.completed) << "the drain is in no rate";
  EXPECT_EQ(kept.tally.output, whole.output);
}

TEST(Fold, KeepsAsMuchForAMillionRequestsAsForAHundredThousand) {
  Fold fold({});
  Random random(1, "fold");
  std::size_t before = 0;
  for (std::int64_t i = 0; i <= 1'000'000; ++i) {
    fold.add(answer(random, i));
    if (i == 100'000) before = fold.memory_bytes();
    // A process is 10 MB without any request; a twentieth of that is what may be added.
    if (i > 100'000 && i % 10'000 == 0) {
      ASSERT_LT(fold.memory_bytes(), before + (512u << 10)) << i;
      ASSERT_LE(fold.parts(), 13u) << i;
    }
  }
  EXPECT_LT(before, 2u << 20);
}

TEST(Fold, MovesACutByHalfAtMost) {
  for (const int requests : {500, 3000, 40'000}) {
    Fold fold({});
    Random random(1, "fold");
    for (std::int64_t i = 0; i < requests; ++i) fold.add(answer(random, i));
    const Nanos end = 10ms * requests;
    fold.end_load(end);
    for (const double share : {0.0, 0.02, 0.1, 0.25, 0.5}) {
      const Nanos cut(static_cast<std::int64_t>(share * static_cast<double>(end.count())));
      const Nanos from = fold.finish(cut).tally.window.from;
      EXPECT_GE(from, cut);
      EXPECT_LE(from, cut + std::max(cut / 2, end / 16) + 1ms) << requests << " " << share;
    }
  }
}

TEST(Fold, KeepsACutThatWasKnownToTheNanosecond) {
  for (const Nanos cut : {Nanos(0), Nanos(3'000'000'001), Nanos(100h)}) {
    Fold fold({}, cut);
    Random random(1, "fold");
    std::uint64_t after = 0;
    for (std::int64_t i = 0; i < 2000; ++i) {
      const Timeline one = answer(random, i);
      after += one.due >= cut;
      fold.add(one);
    }
    EXPECT_LE(fold.parts(), 2u);
    if (cut == Nanos(100h)) continue;  // it never came
    const auto kept = fold.finish(cut);
    EXPECT_EQ(kept.tally.window.from, cut);
    EXPECT_EQ(metrics::summarize(kept.tally).requests, after);
  }
}

TEST(Fold, TimeSeriesAddUpToTheRun) {
  Fold fold({});
  Random random(1, "fold");
  for (std::int64_t i = 0; i < 10'000; ++i) {
    const Timeline one = answer(random, i);
    fold.on_sent(one.due);
    fold.on_events(one.end, 4);
    fold.on_in_flight(one.due, one.end, 1);
    fold.add(one);
  }
  std::uint64_t sent = 0, completed = 0;
  double in_flight = 0, tokens = 0;
  const auto kept = fold.finish(0s);
  for (const run::Slice& slice : kept.slices) {
    sent += slice.sent;
    completed += slice.completed;
    const double seconds = std::chrono::duration<double>(slice.length).count();
    in_flight += slice.in_flight_mean * seconds;
    tokens += slice.output_tokens_per_second * seconds;
    EXPECT_GE(slice.length, 1s);
  }
  EXPECT_LE(kept.slices.size(), Fold::kMostSlices);
  EXPECT_EQ(sent, 10'000u);
  EXPECT_EQ(completed, 10'000u);
  EXPECT_NEAR(tokens, 40'000, 1);
  EXPECT_NEAR(in_flight, 10'000 * 0.066, 1);  // each is out for 66 ms
}

TEST(Fold, RemarksWhenAServerStreamsInAnotherWayLater) {
  Fold fold({});
  for (std::int64_t i = 0; i < 2000; ++i) {
    Timeline one;
    one.due = 10ms * i;
    const bool later = i > 500;
    for (int e = 0; e < 10; ++e) one.events.emplace_back(50ms + 5ms * e, later ? 4 : 1);
    one.end = one.due + 100ms;
    fold.add(one);
  }
  const auto kept = fold.finish(0s);
  ASSERT_TRUE(kept.pattern_changed);
  EXPECT_THAT(*kept.pattern_changed, ::testing::HasSubstr("one token per event at first"));
}

}  // namespace
}  // namespace kneepoint::loadgen
