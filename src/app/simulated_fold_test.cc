#include "app/simulated_fold.h"

#include <gtest/gtest.h>

namespace kneepoint::app {
namespace {

using namespace std::chrono_literals;
using metrics::Metric;
using metrics::Outcome;

/// One request a second: its first token 100 ms after it was due, nine more 10 ms apart.
SimulatedFold::Told told(int requests, SimulatedFold::Late late = {}) {
  SimulatedFold fold({{Metric::Ttft, 150ms}}, late, 10);
  for (int i = 0; i < requests; ++i) {
    const Nanos due = i * Nanos(1s);
    for (int token = 1; token < 10; ++token) fold.gaps(due + 100ms + token * 10ms, 10ms, 1);
    fold.ended(static_cast<std::size_t>(i), {.due = due,
                                             .sent = due,
                                             .first = due + 100ms,
                                             .end = due + 190ms,
                                             .input = 50,
                                             .output = 10,
                                             .outcome = Outcome::Completed});
  }
  return fold.finish({});
}

TEST(SimulatedFold, CountsEachRequestAndEachGapOnce) {
  const auto out = told(1000);
  EXPECT_FALSE(out.whole_run);
  std::uint64_t sent = 0, completed = 0;
  for (const run::Slice& slice : out.kept.slices) {
    sent += slice.sent;
    completed += slice.completed;
  }
  EXPECT_EQ(sent, 1000u);
  EXPECT_EQ(completed, 1000u);
  const auto& latency = out.kept.tally.latency;
  EXPECT_EQ(latency[static_cast<std::size_t>(Metric::Itl)].count(), 9000u);
  EXPECT_EQ(latency[static_cast<std::size_t>(Metric::Ttft)].count(), 1000u);
  EXPECT_EQ(out.kept.tally.good, 1000u);
  EXPECT_EQ(out.output_tokens, 10'000);
  // The last one completes after the last was due.
  EXPECT_EQ(out.kept.drained, 1u);
  EXPECT_EQ(out.kept.tally.completed, 999u);
}

TEST(SimulatedFold, WhatIsSeenLateCountsLate) {
  const auto out = told(1000, {.request_ns = 20e6, .prompt_token_ns = 1e6});
  const auto& latency = out.kept.tally.latency;
  EXPECT_EQ(latency[static_cast<std::size_t>(Metric::Ttft)].max(), 170ms);
  EXPECT_EQ(latency[static_cast<std::size_t>(Metric::Tpot)].max(), 10ms);
  EXPECT_EQ(latency[static_cast<std::size_t>(Metric::E2e)].max(), 260ms);
  EXPECT_EQ(out.kept.tally.good, 0u);
}

TEST(SimulatedFold, AShortRunIsTakenWhole) {
  const auto out = told(1);
  EXPECT_TRUE(out.whole_run);
  EXPECT_EQ(out.kept.tally.completed, 1u);
  EXPECT_EQ(out.kept.tally.latency[static_cast<std::size_t>(Metric::Itl)].count(), 9u);
}

TEST(SimulatedFold, InFlightIsRateTimesTime) {
  const auto out = told(640);
  double sum = 0;
  for (const run::Slice& slice : out.kept.slices) {
    const auto nanos = static_cast<double>(slice.length.count());
    sum += slice.in_flight_mean * nanos;
  }
  EXPECT_NEAR(sum, 640 * 190e6, 1);
}

}  // namespace
}  // namespace kneepoint::app
