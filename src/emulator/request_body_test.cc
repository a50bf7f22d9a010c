#include "emulator/request_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::emulator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string padded(std::string_view text) {
  std::string out(text);
  out.reserve(out.size() + 64);
  return out;
}
Result<Ask> completion(std::string_view text, bool ids = false) {
  return BodyReader().completion(padded(text), ids);
}
Result<Ask> chat(std::string_view text, bool ids = false) {
  return BodyReader().chat(padded(text), ids);
}

TEST(RequestBody, ReadsWhatACompletionAsks) {
  const auto ask = completion(
      R"({"model":"m","prompt":"a b c","max_tokens":7,"min_tokens":2,"ignore_eos":true,)"
      R"("stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true},)"
      R"("temperature":0.3,"n":1,"logit_bias":{}})");
  ASSERT_TRUE(ask) << ask.error().message;
  EXPECT_EQ(ask->model, "m");
  EXPECT_EQ(ask->prompt_tokens, 3);
  EXPECT_EQ(ask->max_tokens, 7);
  EXPECT_EQ(ask->min_tokens, 2);
  EXPECT_TRUE(ask->ignore_eos && ask->stream && ask->include_usage && ask->continuous_usage_stats);
  EXPECT_TRUE(ask->prompt.empty());
}

TEST(RequestBody, TokenIdsCountExactly) {
  EXPECT_EQ(completion(R"({"prompt":[5,6,70000]})")->prompt_tokens, 3);
  EXPECT_THAT(completion(R"({"prompt":[[5,6]]})", true)->prompt, ElementsAre(5, 6));
  EXPECT_EQ(completion(R"({"prompt":["a b"]})")->prompt_tokens, 2);
}

TEST(RequestBody, MessagesCountTheirTemplate) {
  const auto ask = chat(R"({"messages":[{"role":"system","content":"be brief"},)"
                        R"({"role":"user","content":[{"type":"text","text":"one two three"}]}],)"
                        R"("max_completion_tokens":9})",
                        true);
  ASSERT_TRUE(ask) << ask.error().message;
  EXPECT_EQ(ask->prompt_tokens,
            5 + 2 * BodyReader::kTokensPerMessage + BodyReader::kTokensToAnswer);
  EXPECT_EQ(ask->prompt.size(), static_cast<std::size_t>(ask->prompt_tokens));
  EXPECT_EQ(ask->max_tokens, 9);
}

TEST(RequestBody, RefusesInWordsWhatItCannotServe) {
  const auto why = [](std::string_view text) {
    const auto ask = completion(text);
    return ask ? std::string("accepted") : ask.error().message;
  };
  EXPECT_THAT(why("{"), HasSubstr("not JSON"));
  EXPECT_THAT(why("[]"), HasSubstr("object"));
  EXPECT_THAT(why("{}"), HasSubstr("prompt is missing"));
  EXPECT_THAT(why(R"({"prompt":""})"), "accepted");
  EXPECT_THAT(why(R"({"prompt":[]})"), HasSubstr("empty"));
  EXPECT_THAT(why(R"({"prompt":[1,"a"]})"), HasSubstr("token id"));
  EXPECT_THAT(why(R"({"prompt":[-1]})"), HasSubstr("token id"));
  EXPECT_THAT(why(R"({"prompt":["a","b"]})"), HasSubstr("one prompt"));
  EXPECT_THAT(why(R"({"prompt":[[1],[2]]})"), HasSubstr("one prompt"));
  EXPECT_THAT(why(R"({"prompt":"a","max_tokens":0})"), HasSubstr("at least 1"));
  EXPECT_THAT(why(R"({"prompt":"a","max_tokens":"7"})"), HasSubstr("integer"));
  EXPECT_THAT(why(R"({"prompt":"a","n":2})"), HasSubstr("must be 1"));
  EXPECT_THAT(why(R"({"prompt":"a","stream":"yes"})"), HasSubstr("true or false"));
  EXPECT_FALSE(chat(R"({"messages":[]})"));
  EXPECT_FALSE(chat(R"({"messages":[{"content":"a"}]})"));
}

TEST(RequestBody, TokenizesAndBack) {
  BodyReader reader;
  const auto ids = reader.tokenize(padded(R"({"prompt":"bakemo dada"})"));
  ASSERT_TRUE(ids);
  EXPECT_EQ(ids->size(), 2U);
  EXPECT_EQ(reader.tokenize(padded(R"({"messages":[{"role":"user","content":"a"}]})"))->size(), 8U);
  EXPECT_THAT(*reader.detokenize(padded(R"({"tokens":[1,2]})")), ElementsAre(1, 2));
  EXPECT_FALSE(reader.detokenize(padded(R"({"tokens":"a"})")));
}

}  // namespace
}  // namespace kneepoint::emulator
