#include "http/stream_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace kneepoint::http {
namespace {

using ::testing::HasSubstr;

class StreamChunks : public ::testing::Test {
 protected:
  const StreamChunk& decode(std::string_view data) {
    text_ = data;  // a copy that the sanitizers can watch
    const auto chunk = decoder_.decode(text_);
    EXPECT_TRUE(chunk) << data << ": " << chunk.error().message;
    static const StreamChunk kNothing;
    return chunk ? **chunk : kNothing;
  }
  StreamChunkDecoder decoder_;
  std::string text_;
};

TEST_F(StreamChunks, ACompletionHasText) {
  const auto& chunk = decode(
      R"({"id":"c-1","object":"text_completion","created":1,"model":"m","choices":[{"index":0,)"
      R"("text":" be","logprobs":null,"finish_reason":null,"token_ids":null}]})");
  ASSERT_EQ(chunk.choices.size(), 1u);
  EXPECT_EQ(chunk.choices[0].text, " be");
  EXPECT_EQ(chunk.choices[0].finish_reason, "");
  EXPECT_TRUE(chunk.has_output());
  EXPECT_FALSE(chunk.usage);
  EXPECT_FALSE(chunk.error);
  EXPECT_FALSE(chunk.done);
}

TEST_F(StreamChunks, AChatHasDeltas) {
  const auto& chunk = decode(
      R"({"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"gr\u00fc\n"}}]})");
  EXPECT_EQ(chunk.choices.at(0).text, "gr\u00fc\n");
}

TEST_F(StreamChunks, ARoleAloneIsNoOutput) {
  for (const auto* data :
       {R"({"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]})",
        R"({"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]})",
        R"({"choices":[{"index":0,"delta":{"reasoning_content":null,"role":"assistant"}}]})"}) {
    const auto& chunk = decode(data);
    EXPECT_TRUE(chunk.choices.at(0).has_role) << data;
    EXPECT_FALSE(chunk.has_output()) << data;
  }
}

TEST_F(StreamChunks, ReasoningIsOutputUnderEitherName) {
  for (const auto* name : {"reasoning", "reasoning_content"}) {
    const auto& chunk =
        decode(std::string(R"({"choices":[{"delta":{"content":null,")") + name + R"(":"hm"}}]})");
    EXPECT_EQ(chunk.choices.at(0).reasoning, "hm") << name;
    EXPECT_TRUE(chunk.has_output()) << name;
  }
}

TEST_F(StreamChunks, ReasoningUnderBothNamesCountsOnce) {
  const auto& chunk =
      decode(R"({"choices":[{"delta":{"reasoning":"hm","reasoning_content":"hm"}}]})");
  EXPECT_EQ(chunk.choices.at(0).reasoning, "hm");
}

TEST_F(StreamChunks, ToolCallsAreOutput) {
  const auto& first =
      decode(R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t","type":"function",)"
             R"("function":{"name":"look_up","arguments":""}}]}}]})");
  EXPECT_TRUE(first.has_output());
  EXPECT_EQ(first.choices.at(0).tool_text, "look_up");
  const auto& next = decode(
      R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}}]})");
  EXPECT_EQ(next.choices.at(0).tool_text, "{\"a\"");
  EXPECT_FALSE(decode(R"({"choices":[{"delta":{"tool_calls":[]}}]})").has_output());
  EXPECT_FALSE(decode(R"({"choices":[{"delta":{"tool_calls":null}}]})").has_output());
}

TEST_F(StreamChunks, TheLastChunkTellsWhyItEnded) {
  const auto& chunk = decode(R"({"choices":[{"delta":{},"index":0,"finish_reason":"length"}]})");
  EXPECT_EQ(chunk.choices.at(0).finish_reason, "length");
  EXPECT_FALSE(chunk.has_output());
  EXPECT_EQ(decode(R"({"choices":[{"text":"","finish_reason":"abort"}]})").choices[0].finish_reason,
            "abort");
}

TEST_F(StreamChunks, TextAndFinishComeInOneChunkToo) {
  const auto& chunk = decode(R"({"choices":[{"text":"end","finish_reason":"stop"}]})");
  EXPECT_TRUE(chunk.has_output());
  EXPECT_EQ(chunk.choices.at(0).finish_reason, "stop");
}

TEST_F(StreamChunks, UsageMayComeWithoutChoices) {
  const auto& chunk = decode(
      R"({"choices":[],"usage":{"prompt_tokens":6,"total_tokens":18,"completion_tokens":12}})");
  ASSERT_TRUE(chunk.usage);
  EXPECT_EQ(chunk.usage->prompt, Tokens(6));
  EXPECT_EQ(chunk.usage->completion, Tokens(12));
  EXPECT_FALSE(chunk.usage->cached);
  EXPECT_FALSE(chunk.has_output());
}

TEST_F(StreamChunks, UsageMayRideOnTheLastDelta) {
  const auto& chunk = decode(
      R"({"choices":[{"text":"","finish_reason":"length"}],"usage":{"completion_tokens":5,)"
      R"("prompt_tokens":6,"prompt_tokens_details":{"cached_tokens":4}},"timings":{"cache_n":4}})");
  ASSERT_TRUE(chunk.usage);
  EXPECT_EQ(chunk.usage->cached, Tokens(4));
  EXPECT_EQ(chunk.choices.size(), 1u);
}

TEST_F(StreamChunks, UsageMayBeNullOrOnEveryChunk) {
  EXPECT_FALSE(decode(R"({"choices":[{"text":"a"}],"usage":null})").usage);
  EXPECT_EQ(decode(R"({"choices":[{"text":"a"}],"usage":{"completion_tokens":1}})")
                .usage.value()
                .completion,
            Tokens(1));
  EXPECT_FALSE(decode(R"({"choices":[{"text":"a"}]})").usage) << "of the chunk before";
}

TEST_F(StreamChunks, UsageDetailsMayBeNull) {
  const auto& chunk =
      decode(R"({"usage":{"prompt_tokens":9,"completion_tokens":5,"prompt_tokens_details":null,)"
             R"("reasoning_tokens":3,"completion_tokens_details":null}})");
  EXPECT_FALSE(chunk.usage.value().cached);
  EXPECT_EQ(chunk.usage.value().reasoning, Tokens(3));
}

TEST_F(StreamChunks, AnswersInterleaveByIndex) {
  const auto& chunk = decode(R"({"choices":[{"index":2,"text":"b"},{"index":0,"text":"a"}]})");
  ASSERT_EQ(chunk.choices.size(), 2u);
  EXPECT_EQ(chunk.choices[0].index, 2);
  EXPECT_EQ(chunk.choices[1].text, "a");
}

TEST_F(StreamChunks, TokenIdsAreCounted) {
  const auto& chunk = decode(R"({"choices":[{"index":0,"text":"abc","token_ids":[5,6,7]}]})");
  EXPECT_EQ(chunk.choices.at(0).token_ids, 3);
}

TEST_F(StreamChunks, ATokenWithoutTextIsOutputWhereIdsAreListed) {
  EXPECT_TRUE(decode(R"({"choices":[{"text":"","token_ids":[5]}]})").has_output());
}

TEST_F(StreamChunks, AnErrorMayComeInAStream) {
  const auto& chunk = decode(
      R"({"error": {"message": "busy, try later", "type": "Unavailable", "param": null, "code": 503}})");
  ASSERT_TRUE(chunk.error);
  EXPECT_EQ(chunk.error->message, "busy, try later");
  EXPECT_EQ(chunk.error->type, "Unavailable");
  EXPECT_EQ(chunk.error->code, 503);
  EXPECT_TRUE(chunk.choices.empty());
}

TEST_F(StreamChunks, ErrorsHaveManyShapes) {
  struct Case {
    const char* data;
    const char* message;
    std::optional<std::int64_t> code;
  };
  for (const Case& c : {
           Case{R"({"object":"error","message":"too long","type":"BadRequest","code":400})",
                "too long", 400},
           Case{R"({"error":"overloaded","error_type":"overloaded"})", "overloaded", {}},
           Case{R"({"error":{"message":"m","code":"429"}})", "m", 429},
           Case{R"({"error":{"message":"m","code":"invalid_key"}})", "m", {}},
           Case{R"({"error":{"message":"m","code":null}})", "m", {}},
           Case{R"({"detail":"Not Found"})", "Not Found", {}},
           Case{R"({"detail":[{"loc":["body"],"msg":"field required"}]})", "field required", {}},
           Case{R"({"error":{}})", "", {}},
       }) {
    const auto& chunk = decode(c.data);
    ASSERT_TRUE(chunk.error) << c.data;
    EXPECT_EQ(chunk.error->message, c.message) << c.data;
    EXPECT_EQ(chunk.error->code, c.code) << c.data;
  }
  EXPECT_FALSE(decode(R"({"choices":[{"text":"a"}],"error":null})").error);
}

TEST_F(StreamChunks, TextThatRepeatsItselfIsMarked) {
  const auto& chunk = decode(
      R"({"text":" one two","output_ids":[11,12],"meta_info":{"id":"x","finish_reason":null,)"
      R"("prompt_tokens":6,"completion_tokens":2}})");
  EXPECT_TRUE(chunk.cumulative);
  EXPECT_EQ(chunk.choices.at(0).text, " one two");
  EXPECT_EQ(chunk.choices.at(0).token_ids, 2);
  EXPECT_EQ(chunk.usage.value().completion, Tokens(2));
  const auto& last =
      decode(R"({"text":"x","meta_info":{"finish_reason":{"type":"length","length":4},)"
             R"("prompt_tokens":6,"completion_tokens":4}})");
  EXPECT_EQ(last.choices.at(0).finish_reason, "length");
  EXPECT_FALSE(decode(R"({"choices":[]})").cumulative);
}

TEST_F(StreamChunks, AnAbortOfSglangIsAnError) {
  const auto& chunk =
      decode(R"({"text":"","meta_info":{"finish_reason":{"type":"abort","message":"gone"}}})");
  EXPECT_EQ(chunk.choices.at(0).finish_reason, "abort");
  EXPECT_EQ(chunk.error.value().message, "gone");
}

TEST_F(StreamChunks, LlamasOwnStream) {
  const auto& chunk = decode(R"({"index":0,"content":"vo","tokens":[220],"stop":false})");
  EXPECT_EQ(chunk.choices.at(0).text, "vo");
  EXPECT_EQ(chunk.choices.at(0).token_ids, 1);
  const auto& last =
      decode(R"({"content":"","tokens":[],"stop":true,"tokens_predicted":3,"tokens_evaluated":6,)"
             R"("stop_type":"limit"})");
  EXPECT_FALSE(last.has_output());
  EXPECT_EQ(last.choices.at(0).finish_reason, "length");
  EXPECT_EQ(last.usage.value().completion, Tokens(3));
}

TEST_F(StreamChunks, TgisOwnStream) {
  const auto& chunk =
      decode(R"({"index":1,"token":{"id":7,"text":" a","special":false},"details":null})");
  EXPECT_EQ(chunk.choices.at(0).text, " a");
  EXPECT_EQ(chunk.choices.at(0).token_ids, 1);
  const auto& last =
      decode(R"({"token":{"id":2,"text":"."},"details":{"finish_reason":"eos_token",)"
             R"("generated_tokens":20,"input_length":4}})");
  EXPECT_EQ(last.choices.at(0).finish_reason, "eos_token");
  EXPECT_EQ(last.usage.value().completion, Tokens(20));
}

TEST_F(StreamChunks, AWholeAnswerReadsTheSame) {
  const auto& chunk =
      decode(R"({"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",)"
             R"("content":"all of it"},"finish_reason":"stop"}],"usage":{"completion_tokens":3}})");
  EXPECT_EQ(chunk.choices.at(0).text, "all of it");
  EXPECT_EQ(chunk.usage.value().completion, Tokens(3));
}

TEST_F(StreamChunks, DoneIsTheEndAndHoldsNothing) {
  decode(R"({"choices":[{"text":"a"}],"usage":{"completion_tokens":1}})");
  const auto& chunk = decode("[DONE]");
  EXPECT_TRUE(chunk.done);
  EXPECT_TRUE(chunk.choices.empty());
  EXPECT_FALSE(chunk.usage);
  EXPECT_FALSE(decode("{}").done);
}

TEST_F(StreamChunks, OtherJsonIsNoChunkOrAnEmptyOne) {
  for (const auto* data : {"", "[", "{\"choices\":[", "[1]", "7", "\"text\"", "DONE", "{} {}"}) {
    const auto chunk = decoder_.decode(data);
    ASSERT_FALSE(chunk) << data;
    EXPECT_EQ(chunk.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(chunk.error().message, HasSubstr("not a JSON object"));
  }
  for (const auto* data : {"{}", R"({"choices":null})", R"({"choices":[null,7]})",
                           R"({"choices":[{"delta":null,"text":5,"index":"x"}]})"}) {
    EXPECT_FALSE(decode(data).has_output()) << data;
  }
}

}  // namespace
}  // namespace kneepoint::http
