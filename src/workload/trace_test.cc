#include "workload/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::workload {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using testing::HasSubstr;

Trace trace(std::string_view text) {
  const auto read = parse_trace(text, "t");
  EXPECT_TRUE(read) << read.error().message;
  return read ? *read : Trace{};
}

std::string error_of(std::string_view text) {
  const auto read = parse_trace(text, "t");
  EXPECT_FALSE(read) << text;
  return read ? "" : read.error().message;
}

TEST(Trace, ReadsCsvByItsHeader) {
  const Trace t = trace(
      "arrival_s,extra,prompt_tokens,output_tokens\r\n5,x,374,44\r\n9.31458,\"a,b\",396,109\r\n");
  ASSERT_EQ(t.rows.size(), 2U);
  EXPECT_TRUE(t.timed);
  EXPECT_EQ(t.rows[0].due, 0ns);
  EXPECT_EQ(t.rows[1].due, 4'314'580'000ns);
  EXPECT_EQ(t.rows[1].input, 396_tok);
  EXPECT_EQ(t.rows[1].output, 109_tok);
  EXPECT_FALSE(trace("prompt_tokens,output_tokens\n1,2\n").timed);
}

TEST(Trace, ReadsThePublishedTraces) {
  const Trace azure = trace(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5000000,374,44\n"
      "2023-11-17 00:00:00.2500000,396,109\n");
  EXPECT_EQ(azure.rows[1].due, 750ms);
  const Trace mooncake = trace(
      "{\"timestamp\": 3000, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0]}\n"
      "{\"timestamp\": 3052, \"input_length\": 7, \"output_length\": 9, \"hash_ids\": []}\n");
  EXPECT_EQ(mooncake.rows[0].blocks, std::vector<std::int64_t>{0});
  EXPECT_TRUE(mooncake.rows[1].blocks.empty());
  EXPECT_EQ(mooncake.rows[1].due, 52ms);
  EXPECT_EQ(mooncake.rows[0].input, 6758_tok);
  const Trace burst = trace(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5,ChatGPT,472,18,490,Conversation log\n45,ChatGPT,1087,0,1087,Conversation log\n");
  EXPECT_EQ(burst.rows.size(), 1U);
  EXPECT_EQ(burst.skipped, 1);
}

TEST(Trace, ReadsASampleOfEachFile) {
  const std::filesystem::path folder = KP_SOURCE_DIR "/tests/data/traces";
  const auto azure = read_trace(folder / "azure_2023_conversation.csv");
  ASSERT_TRUE(azure) << azure.error().message;
  EXPECT_EQ(azure->rows.size(), 40U);
  EXPECT_TRUE(azure->timed);
  EXPECT_EQ(azure->rows[1].due, 4'314'580us);
  const auto arxiv = read_trace(folder / "arxiv_summarization.csv");
  ASSERT_TRUE(arxiv) << arxiv.error().message;
  EXPECT_FALSE(arxiv->timed);
  EXPECT_EQ(arxiv->rows[0].input, 3772_tok);
  const auto mooncake = read_trace(folder / "mooncake_form.jsonl");
  ASSERT_TRUE(mooncake) << mooncake.error().message;
  EXPECT_EQ(mooncake->rows[1].blocks[0], mooncake->rows[0].blocks[0]);
}

TEST(Trace, TakesTheFirstTwoTurnsOfAShareGptConversation) {
  const std::string_view text = R"([
    {"id": "a", "conversations": [{"from": "system", "value": "be kind"},
      {"from": "human", "value": "12345678"}, {"from": "gpt", "value": "123456789"},
      {"from": "human", "value": "more"}]},
    {"id": "b", "conversations": [{"from": "human", "value": "alone"}]},
    {"id": "c", "conversations": [{"role": "user", "content": "hi"},
      {"role": "assistant", "content": "hello"}]}])";
  const Trace t = trace(text);
  ASSERT_EQ(t.rows.size(), 2U);
  EXPECT_EQ(t.rows[0].input, 2_tok);
  EXPECT_EQ(t.rows[0].output, 3_tok);
  EXPECT_TRUE(t.estimated);
  EXPECT_FALSE(t.timed);
  EXPECT_EQ(t.skipped, 1);
  const auto counted = parse_trace(text, "t", [](std::string_view) { return 77_tok; });
  EXPECT_EQ(counted->rows[1].output, 77_tok);
}

TEST(Trace, ErrorsNameFileAndLine) {
  EXPECT_THAT(error_of("prompt_tokens,output_tokens\n1,2\n\n3,x\n"),
              HasSubstr("t: line 4: 'output_tokens' must be a whole number"));
  EXPECT_THAT(error_of("prompt_tokens,output_tokens\n1\n"), HasSubstr("line 2: 1 fields"));
  EXPECT_THAT(error_of("prompt_tokens,out\n1,2\n"), HasSubstr("no output tokens: known names are"));
  EXPECT_THAT(error_of("arrival_s,tokens\n2,1\n1,1\n"), HasSubstr("line 3: earlier than"));
  EXPECT_THAT(error_of("arrival_s,tokens\n-2,1\n"), HasSubstr("must be a time"));
  EXPECT_THAT(error_of("TIMESTAMP,tokens\n2023-13-01 00:00:00,1\n"), HasSubstr("must look like"));
  EXPECT_THAT(error_of("TIMESTAMP,tokens\n8816-11-16 00:00:00,1\n"), HasSubstr("must look like"));
  EXPECT_THAT(error_of("{\"tokens\": 1}\n{\"tokens\": }\n"), HasSubstr("line 2: not JSON"));
  EXPECT_THAT(error_of("{\"tokens\": 1, \"arrival_s\": 1}\n{\"tokens\": 1}\n"),
              HasSubstr("line 2: some rows have a time"));
  EXPECT_THAT(error_of("[{\"tokens\": 1.5}]"), HasSubstr("item 1: 'tokens'"));
  EXPECT_THAT(error_of("[{\"tokens\": 1, \"hash_ids\": 3}]"), HasSubstr("must be an array"));
  EXPECT_THAT(error_of("[{\"tokens\": 1, \"hash_ids\": [-1]}]"), HasSubstr("whole numbers from 0"));
  EXPECT_THAT(error_of("[{\"tokens\": 512, \"hash_ids\": [1, 2]}]"), HasSubstr("a block has 512"));
  EXPECT_THAT(error_of("[3]"), HasSubstr("item 1: must be an object"));
  EXPECT_THAT(error_of("["), HasSubstr("t: not JSON"));
  EXPECT_THAT(error_of(""), HasSubstr("holds no request"));
  EXPECT_FALSE(read_trace("/does/not/exist.csv"));
}

}  // namespace
}  // namespace kneepoint::workload
