#include "run/point.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::run {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A point in which nothing is left at its default.
PointRecord full() {
  std::vector<metrics::Timeline> timelines;
  for (int i = 0; i < 100; ++i) {
    metrics::Timeline t;
    t.due = i * 10ms;
    t.sent = t.due + 30us;
    t.end = t.due + 90ms + i * 1us;
    for (int e = 0; e < 5; ++e) t.events.emplace_back(40ms + e * 10ms + i * 1us, 1);
    t.usage = metrics::Usage{.input = Tokens(7), .output = Tokens(5), .reasoning = {}};
    if (i % 10 == 9) t.outcome = metrics::kOutcomes[1 + static_cast<std::size_t>(i / 10) % 4];
    timelines.push_back(std::move(t));
  }
  const std::vector bounds{metrics::Bound{metrics::Metric::Ttft, 40500us}};
  const auto tally = metrics::tally(timelines, {100ms, 900ms}, bounds);
  PointRecord out;
  out.index = 3;
  out.spec.seed = 18446744073709551615U;
  out.spec.arrivals = workload::Arrivals{.rate = 12.5};
  out.spec.in_flight = 9;
  out.spec.duration = 1500ms;
  out.started_at = "2026-11-21T10:00:00Z";
  out.took = Nanos(1'234'567'891);
  out.end = PointEnd::TimeCap;
  out.requests_sent = 100;
  out.requests_completed = 90;
  out.requests_failed = 10;
  out.summary = metrics::summarize(tally);
  out.warmup = "warm-up";
  out.ttft_interval = metrics::MeanInterval{1.5, 0.25, 0.95, 80, 20, 4, -0.125};
  out.output_rate_interval = metrics::MeanInterval{100, 2, 0.95, 40, 20, 2, 0};
  out.self.send_lateness = out.summary.send_delay;
  out.self.core_share = 0.125;
  out.self.cpu_seconds = 0.5;
  out.self.offered_rate = 12.5;
  out.self.achieved_rate = 12.25;
  out.self.most_in_flight = 9;
  out.self.valid = false;
  out.self.reason = "it was late";
  out.tokens = {"token ids 1000 to 9191", 7, 7.5, 5, 4.5, 2};
  out.slices.push_back({.from = 1s,
                        .length = 2s,
                        .sent = 3,
                        .completed = 2,
                        .failed = 1,
                        .output_tokens_per_second = 5,
                        .in_flight_mean = 1.5});
  out.errors.push_back({"status 503", 4, "busy"});
  out.remarks.emplace_back("read this");
  out.server.emplace();
  out.server->server = "vllm";
  out.server->version = "0.32.0";
  out.server->running = {3, 8};
  out.server->queue_mean_ms = 4;
  out.server->samples.push_back({.at = 1s, .running = 2, .generation_tokens = 100});
  out.server->warnings.emplace_back("a series is missing");
  out.latency.assign(tally.latency.begin(), tally.latency.end());
  return out;
}

TEST(PointRecord, ReadsBackFromItsJson) {
  const PointRecord before = full();
  const std::string text = json::to_text(to_json(before));
  const auto after = point_from_json(json::parse(text).value());
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(json::to_text(to_json(*after)), text);
  EXPECT_EQ(after->spec, before.spec);
  EXPECT_EQ(after->took, before.took);
  EXPECT_EQ(after->summary.bounds, before.summary.bounds);
  EXPECT_EQ(after->summary.by_outcome, before.summary.by_outcome);
  EXPECT_EQ(after->latency, before.latency);
  EXPECT_FALSE(after->e2e_interval);
  EXPECT_TRUE(metrics::is_missing(after->slices.at(0).ttft_p50_ms));
  const auto directly = point_from_json(to_json(before));
  ASSERT_TRUE(directly) << directly.error().message;
}

TEST(PointRecord, NamesWhatIsWrongInAJson) {
  struct Case {
    const char* key;
    json::Value value;
    const char* message;
  };
  for (const Case& c : {Case{"end", "bored", "end: is no word known here"},
                        Case{"took_s", "long", "took_s: must be a number"},
                        Case{"requests", nullptr, "requests.sent: must be a whole number"},
                        Case{"workload", 3, "workload: must be an object"},
                        Case{"histograms", json::Object{}, "histograms.ttft: must be a text"},
                        Case{"slices", 1, "slices: must be a list"}}) {
    json::Value value = to_json(full());
    value.as_object()[c.key] = c.value;
    const auto read = point_from_json(value);
    ASSERT_FALSE(read) << c.key;
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(read.error().message, HasSubstr(c.message));
  }
  EXPECT_FALSE(point_from_json(json::Value(7)));
}

}  // namespace
}  // namespace kneepoint::run
