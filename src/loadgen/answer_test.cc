#include "loadgen/answer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::loadgen {
namespace {

using namespace std::chrono_literals;
using metrics::Outcome;
using ::testing::HasSubstr;

constexpr const char* kTokenA = R"({"choices":[{"index":0,"text":" a","finish_reason":null}]})";
constexpr const char* kLast = R"({"choices":[{"index":0,"text":" z","finish_reason":"length"}]})";
constexpr const char* kUsage =
    R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}})";

std::string event(std::string_view data) { return fmt::format("data: {}\n\n", data); }

http::Ending complete(int status) {
  http::Ending out;
  out.status = status;
  return out;
}

/// What comes of one answer: all at once, or a byte at a time.
struct Told {
  metrics::Timeline timeline;
  Verdict verdict;
};
Told tell(std::string_view bytes, int status = 200, bool stream = true,
          http::Outcome how = http::Outcome::Complete) {
  http::StreamChunkDecoder chunks;
  Answer answer;
  std::vector<Told> both;
  for (const std::size_t piece : {bytes.size() + 1, std::size_t{1}}) {
    answer.start(1s);
    answer.on_head(status, stream);
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      answer.on_body(bytes.substr(i, piece), 2s, chunks);
    }
    http::Ending ending = complete(status);
    ending.outcome = how;
    ending.reason = how == http::Outcome::Complete ? "" : "the connection was closed";
    Verdict verdict = answer.on_end(ending, 3s, chunks);
    both.push_back({answer.timeline, std::move(verdict)});
  }
  EXPECT_EQ(both[0].verdict.what, both[1].verdict.what) << "cut into bytes";
  EXPECT_EQ(both[0].verdict.example, both[1].verdict.example);
  EXPECT_EQ(both[0].timeline.events.size(), both[1].timeline.events.size());
  EXPECT_EQ(both[0].timeline.usage.has_value(), both[1].timeline.usage.has_value());
  return both[0];
}

TEST(Answer, OfVllmIsWholeWithFinishReasonUsageAndDone) {
  const Told told = tell(event(kTokenA) + event(kLast) + event(kUsage) + event("[DONE]"));
  EXPECT_EQ(told.verdict.outcome, Outcome::Completed) << told.verdict.what;
  EXPECT_EQ(told.timeline.events.size(), 2u);
  EXPECT_EQ(told.timeline.events.front().after_due(), 1s) << "since it was due";
  ASSERT_TRUE(told.timeline.usage);
  EXPECT_EQ(told.timeline.usage->input, Tokens(7));
  EXPECT_EQ(told.timeline.usage->output, Tokens(2));
}

TEST(Answer, OfAServerWithoutDoneEndsWithItsFinishReason) {
  EXPECT_EQ(tell(event(kTokenA) + event(kLast)).verdict.outcome, Outcome::Completed);
  // And one without a finish reason with [DONE].
  EXPECT_EQ(tell(event(kTokenA) + event("[DONE]")).verdict.outcome, Outcome::Completed);
}

TEST(Answer, OfLlamaCppCarriesUsageOnItsLastEmptyChunkAndMayThenBeCut) {
  const std::string last =
      R"({"choices":[{"index":0,"text":"","finish_reason":"length"}],)"
      R"("usage":{"prompt_tokens":5,"completion_tokens":1},"timings":{"prompt_ms":3.5}})";
  const Told told =
      tell(event(kTokenA) + event(last) + event("[DONE]"), 200, true, http::Outcome::Cut);
  EXPECT_EQ(told.verdict.outcome, Outcome::Completed) << "it had said its end";
  EXPECT_EQ(told.timeline.events.size(), 1u) << "an empty text is no token";
  ASSERT_TRUE(told.timeline.usage);
  EXPECT_EQ(told.timeline.usage->output, Tokens(1));
}

TEST(Answer, OfAChatBeginsWithARoleThatIsNoToken) {
  for (const char* role :
       {R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})",
        R"({"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]})"}) {
    const Told told = tell(
        event(role) + event(R"({"choices":[{"index":0,"delta":{"content":"a"}}]})") +
        event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})") + event("[DONE]"));
    EXPECT_EQ(told.verdict.outcome, Outcome::Completed);
    EXPECT_EQ(told.timeline.events.size(), 1u);
  }
}

TEST(Answer, OfSglangHasNullUsageOnEveryChunk) {
  const std::string chunk =
      R"({"choices":[{"index":0,"text":" a","finish_reason":null}],"usage":null})";
  const Told told = tell(event(chunk) + event(chunk) + event(kLast) + event("[DONE]"));
  EXPECT_EQ(told.verdict.outcome, Outcome::Completed);
  EXPECT_EQ(told.timeline.events.size(), 3u);
  EXPECT_FALSE(told.timeline.usage);
}

TEST(Answer, WithUsageOnEachChunkSaysHowManyTokensEachCarries) {
  std::string all;
  for (const int so_far : {2, 5, 6}) {
    all += event(fmt::format(R"({{"choices":[{{"index":0,"text":" a"}}],"usage":)"
                             R"({{"prompt_tokens":3,"completion_tokens":{}}}}})",
                             so_far));
  }
  const Told told = tell(all + event("[DONE]"));
  ASSERT_EQ(told.timeline.events.size(), 3u);
  EXPECT_EQ(told.timeline.events[0].tokens(), 2);
  EXPECT_EQ(told.timeline.events[1].tokens(), 3);
  EXPECT_EQ(told.timeline.events[2].tokens(), 1);
}

TEST(Answer, TurnedAwayInsideAStreamOfStatus200IsRejected) {
  const std::string error =
      R"({"error":{"message":"queue is full","type":"ServiceUnavailable","code":503}})";
  const Told told = tell(event(error) + event("[DONE]"));
  EXPECT_EQ(told.verdict.outcome, Outcome::Rejected);
  EXPECT_THAT(told.verdict.what, HasSubstr("503"));
  EXPECT_THAT(told.verdict.example, HasSubstr("queue is full"));
}

TEST(Answer, ThatFailsInMidStreamIsFailedWithWhatCameBefore) {
  const std::string error = R"({"error":{"message":"engine died","code":500}})";
  const Told told = tell(event(kTokenA) + event(error) + event("[DONE]"));
  EXPECT_EQ(told.verdict.outcome, Outcome::Failed);
  EXPECT_THAT(told.verdict.what, HasSubstr("500"));
  EXPECT_EQ(told.timeline.events.size(), 1u);
  const std::string flat = R"({"object":"error","message":"out of memory","code":500})";
  EXPECT_EQ(tell(event(kTokenA) + event(flat) + event("[DONE]")).verdict.outcome, Outcome::Failed);
}

TEST(Answer, AbortedByAServerThatShutsDownIsFailed) {
  const std::string abort = R"({"choices":[{"index":0,"text":"","finish_reason":"abort"}]})";
  const Told told = tell(event(kTokenA) + event(abort) + event("[DONE]"));
  EXPECT_EQ(told.verdict.outcome, Outcome::Failed);
  EXPECT_EQ(told.verdict.what, "finish reason abort");
}

TEST(Answer, ThatBreaksOffIsFailedAndOneThatStallsTimesOut) {
  EXPECT_THAT(tell(event(kTokenA), 200, true, http::Outcome::Cut).verdict.what,
              HasSubstr("in mid-stream"));
  EXPECT_EQ(tell(event(kTokenA), 200, true, http::Outcome::Cut).verdict.outcome, Outcome::Failed);
  EXPECT_EQ(tell(event(kTokenA), 200, true, http::Outcome::TimedOut).verdict.outcome,
            Outcome::TimedOut);
  EXPECT_EQ(tell(event(kTokenA), 200, true, http::Outcome::Cancelled).verdict.outcome,
            Outcome::Cancelled);
  EXPECT_EQ(tell("", 0, false, http::Outcome::NotConnected).verdict.outcome, Outcome::Rejected);
  EXPECT_THAT(tell(event(kTokenA)).verdict.what, HasSubstr("without [DONE]"))
      << "a whole response, yet nobody said that it is all";
}

TEST(Answer, StatusesSayWhetherTheServerWasBusyOrBroken) {
  struct Case {
    int status;
    const char* body;
    Outcome outcome;
    const char* example;
  };
  for (const Case& c :
       {Case{503, R"({"error":{"message":"busy","type":"t","param":null,"code":503}})",
             Outcome::Rejected, "busy"},
        Case{429, "slow down", Outcome::Rejected, "slow down"},
        Case{404, R"({"error":{"message":"no such model","code":404}})", Outcome::Failed,
             "no such model"},
        Case{400,
             R"({"error":{"code":400,"message":"too long","type":"exceed_context_size_error",)"
             R"("n_prompt_tokens":9}})",
             Outcome::Failed, "too long"},
        Case{404, R"({"detail":"Not Found"})", Outcome::Failed, "Not Found"},
        Case{400, R"({"object":"error","message":"flat words","code":400})", Outcome::Failed,
             "flat words"},
        Case{502, "<html>Bad Gateway</html>", Outcome::Failed, "Bad Gateway"},
        Case{500, "", Outcome::Failed, ""}}) {
    for (const bool stream : {false, true}) {
      const Told told = tell(c.body, c.status, stream);
      EXPECT_EQ(told.verdict.outcome, c.outcome) << c.status;
      EXPECT_EQ(told.verdict.what, fmt::format("status {}", c.status));
      EXPECT_THAT(told.verdict.example, HasSubstr(c.example));
    }
  }
}

TEST(Answer, OfAServerThatDoesNotStreamIsReadAtItsEnd) {
  const Told told = tell(R"({"choices":[{"index":0,"text":"all of it","finish_reason":"stop"}],)"
                         R"("usage":{"prompt_tokens":3,"completion_tokens":9}})",
                         200, false);
  EXPECT_EQ(told.verdict.outcome, Outcome::Completed) << told.verdict.what;
  EXPECT_FALSE(told.timeline.streamed);
  EXPECT_EQ(told.timeline.usage->output, Tokens(9));
  EXPECT_EQ(tell("<html>", 200, false).verdict.outcome, Outcome::Failed);
  EXPECT_EQ(tell("{}", 200, false).verdict.outcome, Outcome::Failed);
  EXPECT_EQ(tell("", 200, false).verdict.outcome, Outcome::Failed);
}

TEST(Answer, OfGarbageIsUnreadableAndQuotedInOneShortLine) {
  const Told told = tell(event("{\"choices\":[") + event("[DONE]"));
  EXPECT_EQ(told.verdict.outcome, Outcome::Failed);
  EXPECT_EQ(told.verdict.what, "unreadable answer");
  const Told page = tell("<h1>\x1b[31m no\n\n" + std::string(5000, 'x'), 500, false);
  EXPECT_LT(page.verdict.example.size(), 320u);
  EXPECT_EQ(page.verdict.example.find('\n'), std::string::npos);
  EXPECT_EQ(page.verdict.example.find('\x1b'), std::string::npos);
}

TEST(Answer, ForgetsTheOneBefore) {
  http::StreamChunkDecoder chunks;
  Answer answer;
  answer.start(0s);
  answer.on_head(503, false);
  answer.on_body("busy", 1s, chunks);
  EXPECT_EQ(answer.on_end(complete(503), 1s, chunks).outcome, Outcome::Rejected);
  answer.start(5s);
  answer.on_head(200, true);
  answer.on_body(event(kLast) + event("[DONE]"), 6s, chunks);
  const Verdict verdict = answer.on_end(complete(200), 6s, chunks);
  EXPECT_EQ(verdict.outcome, Outcome::Completed) << verdict.what;
  EXPECT_EQ(answer.timeline.due, 5s);
  EXPECT_EQ(answer.timeline.events.size(), 1u);
}

}  // namespace
}  // namespace kneepoint::loadgen
