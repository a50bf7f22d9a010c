#include "metrics/timeline.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <random>
#include <vector>

namespace kneepoint::metrics {
namespace {

using namespace std::chrono_literals;
using Kind = StreamingPattern::Kind;

constexpr StreamingPattern kOneByOne{Kind::One, 1, true};

/// Due at 10 s; events at these milliseconds after it.
Timeline answer(std::initializer_list<int> at_ms, std::optional<std::int64_t> output = {}) {
  Timeline out;
  out.due = 10s;
  out.sent = 10s + 2ms;
  for (const int ms : at_ms) out.events.emplace_back(std::chrono::milliseconds(ms), 0);
  out.end = out.due + (out.events.empty() ? 5ms : out.events.back().after_due());
  if (output) out.usage = Usage{Tokens(100), Tokens(*output), Tokens(0)};
  return out;
}

/// A server that makes one token every 10 ms and sends them in events of these sizes.
Timeline grouped(const std::vector<int>& sizes, bool says_sizes, bool usage = true) {
  Timeline out;
  int made = 0;
  for (const int size : sizes) {
    made += size;
    out.events.emplace_back(90ms + made * 10ms, says_sizes ? size : 0);
  }
  if (usage) out.usage = Usage{Tokens(100), Tokens(made), Tokens(0)};
  return out;
}

/// The events of a server that sends n at a time.
std::vector<int> every(int n, int tokens, bool first_alone) {
  std::vector<int> out;
  if (first_alone) out.push_back(1);
  for (int left = tokens - (first_alone ? 1 : 0); left > 0; left -= n) {
    out.push_back(std::min(n, left));
  }
  return out;
}

Histogram itl(const Timeline& timeline, const StreamingPattern& pattern) {
  Histogram out;
  add_itl(timeline, pattern, out);
  return out;
}

TEST(Timeline, CountsFromWhenTheRequestWasDue) {
  const Timeline t = answer({100, 120, 150, 170}, 4);
  EXPECT_EQ(ttft(t), 100ms);
  EXPECT_EQ(e2e(t), 170ms);
  EXPECT_EQ(tpot(t), Nanos(70ms) / 3);
  EXPECT_EQ(ntpot(t), Nanos(170ms) / 4);
  EXPECT_EQ(send_delay(t), 2ms);
  EXPECT_EQ(longest_itl(t, kOneByOne), 30ms);
  EXPECT_EQ(itl(t, kOneByOne).count(), 3U);
}

TEST(Timeline, OfNoTokensHasNoLatency) {
  for (const Timeline& t : {answer({}, 0), answer({})}) {
    EXPECT_FALSE(ttft(t) || e2e(t) || tpot(t) || ntpot(t) || longest_itl(t, kOneByOne));
    EXPECT_EQ(output_tokens(t), Tokens(0));
  }
}

TEST(Timeline, OfOneTokenHasNoTpot) {
  const Timeline t = answer({40}, 1);
  EXPECT_EQ(ttft(t), 40ms);
  EXPECT_EQ(ntpot(t), 40ms);
  EXPECT_FALSE(tpot(t));
  EXPECT_TRUE(itl(t, kOneByOne).empty());
}

// 20 tokens in one event would be a TPOT of 0.
TEST(Timeline, InOneEventHasNoTpot) {
  const Timeline t = answer({500}, 20);
  EXPECT_FALSE(tpot(t));
  EXPECT_EQ(ntpot(t), 25ms);
}

TEST(Timeline, NotStreamedHasOnlyItsEnd) {
  Timeline t = answer({500}, 20);
  t.streamed = false;
  EXPECT_FALSE(ttft(t));
  EXPECT_EQ(e2e(t), 500ms);
  EXPECT_EQ(ntpot(t), 25ms);
}

TEST(Timeline, BrokenOffAfterTokensKeepsWhatWasSeen) {
  Timeline t = answer({100, 120, 140});
  t.outcome = Outcome::Failed;
  EXPECT_EQ(ttft(t), 100ms);
  EXPECT_EQ(tpot(t), 20ms);
  EXPECT_EQ(output_tokens(t), Tokens(3));
  EXPECT_EQ(token_source(t), TokenSource::Events);
}

TEST(Timeline, NeverSentHasNoDelay) {
  Timeline t = answer({});
  t.sent.reset();
  EXPECT_FALSE(send_delay(t));
}

TEST(OutputTokens, AreTheServersOwnCountWhereThereIsOne) {
  EXPECT_EQ(output_tokens(answer({100, 120}, 9)), Tokens(9));
  EXPECT_EQ(token_source(answer({100, 120}, 9)), TokenSource::Usage);
  EXPECT_EQ(output_tokens(answer({100, 120})), Tokens(2));
  EXPECT_EQ(output_tokens(grouped({1, 4, 3}, true, false)), Tokens(8));
}

TEST(OutputTokens, ThatDisagreeAreNoticed) {
  Timeline t = grouped({1, 4, 3}, true);
  EXPECT_FALSE(token_counts_disagree(t));
  t.usage->output = Tokens(9);
  EXPECT_TRUE(token_counts_disagree(t));
  EXPECT_FALSE(token_counts_disagree(answer({100, 120}, 9)));  // the events say nothing
}

TEST(TokenEvent, KeepsWhatFitsAndTakesTheGreatestOtherwise) {
  const TokenEvent event(4h + 1ns, 70'000);
  EXPECT_EQ(event.after_due(), 4h + 1ns);
  EXPECT_EQ(event.tokens(), 70'000);
  EXPECT_EQ(TokenEvent(9h, 1).after_due(), TokenEvent::kLatest);
  EXPECT_EQ(TokenEvent(-1ns, -1), TokenEvent(0ns, 0));
  EXPECT_EQ(TokenEvent(0ns, 1 << 30).tokens(), TokenEvent::kMostTokens);
}

TEST(Outcomes, AreNamedInTheirOrder) {
  std::string names;
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(kOutcomes[i]), i);
    names += std::string(name(kOutcomes[i])) + " ";
  }
  EXPECT_EQ(names, "completed rejected failed timed-out cancelled ");
}

TEST(StreamingPattern, OneByOneIsSeenThroughEndTokensAndHeldBackBytes) {
  std::vector<Timeline> run;
  for (int i = 0; i < 100; ++i) {
    Timeline t = grouped(every(1, 80 + i, true), false);
    t.usage->output += Tokens(i % 3 == 0 ? 1 : 0);
    run.push_back(t);
  }
  const StreamingPattern pattern = streaming_pattern(run);
  EXPECT_EQ(pattern.kind, Kind::One);
  EXPECT_FALSE(pattern.itl_marked());
  EXPECT_EQ(describe(pattern), "one token per event");
}

TEST(StreamingPattern, EveryNIsSeenWithAndWithoutSizes) {
  for (const bool says_sizes : {true, false}) {
    for (const bool first_alone : {true, false}) {
      for (const int n : {2, 3, 4, 10, 32}) {
        std::vector<Timeline> run;
        for (int tokens = 5; tokens < 150; tokens += 7) {
          run.push_back(grouped(every(n, tokens, first_alone), says_sizes));
        }
        const StreamingPattern pattern = streaming_pattern(run);
        EXPECT_EQ(pattern.kind, Kind::EveryN) << n;
        EXPECT_EQ(pattern.tokens_per_event, n) << says_sizes << first_alone;
        EXPECT_EQ(pattern.first_alone, first_alone) << n << says_sizes;
        EXPECT_TRUE(pattern.itl_marked());
        // Tokens really came every 10 ms, and so it says, whatever the events were.
        for (const Timeline& t : run) {
          const Histogram gaps = itl(t, pattern);
          if (gaps.empty()) continue;
          EXPECT_EQ(gaps.min(), 10ms) << n;
          EXPECT_EQ(gaps.max(), 10ms) << n;
        }
      }
    }
  }
}

TEST(StreamingPattern, SpeculativeDecodingIsMixed) {
  std::mt19937_64 random(5);
  for (const bool says_sizes : {true, false}) {
    std::vector<Timeline> run;
    for (int i = 0; i < 100; ++i) {
      std::vector<int> sizes(60);
      for (int& size : sizes) size = 1 + static_cast<int>(random() % 4);
      run.push_back(grouped(sizes, says_sizes));
    }
    const StreamingPattern pattern = streaming_pattern(run);
    EXPECT_EQ(pattern.kind, Kind::Mixed);
    EXPECT_NEAR(pattern.tokens_per_event, 2.5, 0.2);
    EXPECT_TRUE(pattern.itl_marked());
    EXPECT_EQ(describe(pattern), "2.5 tokens per event, mixed");
  }
}

TEST(StreamingPattern, IsUnknownWithoutCounts) {
  EXPECT_EQ(streaming_pattern({}).kind, Kind::Unknown);
  const std::vector<Timeline> bare{answer({100, 120, 140}), answer({100}, 1), answer({}, 0)};
  EXPECT_EQ(streaming_pattern(bare).kind, Kind::Unknown);
}

TEST(StreamingPattern, DoesNotLookAtAnswersThatBrokeOff) {
  Timeline broken = grouped({1, 7, 2}, true);
  broken.outcome = Outcome::Failed;
  const std::vector<Timeline> run{broken, grouped({1, 1, 1, 1}, true)};
  EXPECT_EQ(streaming_pattern(run).kind, Kind::One);
}

TEST(StreamingPattern, OfWholeAnswersInOneEventIsMixed) {
  const std::vector<Timeline> run{answer({500}, 20), answer({700}, 30)};
  const StreamingPattern pattern = streaming_pattern(run);
  EXPECT_EQ(pattern.kind, Kind::Mixed);
  EXPECT_DOUBLE_EQ(pattern.tokens_per_event, 25);
}

TEST(Itl, DividesAGapByTheTokensItBrought) {
  Timeline t;
  t.events = {{100ms, 1}, {140ms, 4}, {170ms, 1}, {190ms, 2}};
  const Histogram gaps = itl(t, {});
  EXPECT_EQ(gaps.count(), 7U);
  EXPECT_EQ(gaps.min(), 10ms);
  EXPECT_EQ(gaps.max(), 30ms);  // the stall stays a stall
  EXPECT_EQ(gaps.sum(), 90e6);
  EXPECT_EQ(longest_itl(t, {}), 30ms);
}

TEST(Itl, SkipsEventsThatBroughtNoToken) {
  Timeline t;
  t.events = {{100ms, 1}, {110ms, 0}, {120ms, 1}};
  const Histogram gaps = itl(t, {});
  EXPECT_EQ(gaps.count(), 1U);
  EXPECT_EQ(gaps.max(), 20ms);
}

TEST(Itl, OfAMixedStreamHasTheMeanOfItsTpot) {
  const StreamingPattern mixed{Kind::Mixed, 1.7, false};
  for (const std::int64_t tokens : {4, 5, 7, 30}) {
    const Timeline t = answer({100, 120, 150, 170, 220}, tokens);
    const Histogram gaps = itl(t, mixed);
    EXPECT_EQ(gaps.count(), static_cast<std::uint64_t>(tokens - 1));
    EXPECT_EQ(tpot(t), Nanos(120ms) / (tokens - 1));
  }
  // Even gaps: exactly.
  const Timeline even = answer({100, 120, 140, 160}, 8);
  EXPECT_NEAR(itl(even, mixed).mean(), static_cast<double>(tpot(even)->count()), 1);
}

TEST(Itl, WithoutCountsIsTheGapBetweenEvents) {
  EXPECT_EQ(itl(answer({100, 120, 150}), {}).max(), 30ms);
}

}  // namespace
}  // namespace kneepoint::metrics
