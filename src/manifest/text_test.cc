#include "manifest/text.h"

#include <gtest/gtest.h>

namespace kneepoint::manifest {
namespace {

TEST(BaseName, IsModelAndServerInOneLabel) {
  EXPECT_EQ(base_name("openai/gpt-oss-20b", "vllm"), "gpt-oss-20b-vllm");
  EXPECT_EQ(base_name("meta-llama/Llama-3.3-70B-Instruct", "vllm"), "llama-3-3-70b-instruct-vllm");
  EXPECT_EQ(base_name("owner/7b-model", "triton+tensorrt-llm"), "m-7b-model-triton-tensorrt-llm");
}

TEST(BaseName, LeavesRoomForEverySuffixAndKeepsLongNamesApart) {
  const std::string one = base_name("o/" + std::string(96, 'a'), "vllm");
  const std::string two = base_name("o/" + std::string(95, 'a') + "b", "vllm");
  EXPECT_NE(one, two);
  EXPECT_TRUE(one.ends_with("-vllm"));
  EXPECT_TRUE(is_dns_label(one + "-inference-server")) << one;
}

TEST(ModelId, IsWhatHuggingFaceAllows) {
  EXPECT_TRUE(is_model_id("Qwen/Qwen3-0.6B"));
  EXPECT_TRUE(is_model_id("gpt2"));
  for (const char* bad :
       {"", "/", "a/", "/b", "a/b/c", "a b", "a/b\n", "../x", "a/{{b}}", "a/$(B)"})
    EXPECT_FALSE(is_model_id(bad)) << bad;
}

TEST(LabelValue, KeepsDotsAndCaseAndNothingElse) {
  EXPECT_EQ(label_value("Llama-3.3-70B-Instruct"), "Llama-3.3-70B-Instruct");
  EXPECT_EQ(label_value("vllm+atom"), "vllm-atom");
  EXPECT_EQ(label_value("..a b.."), "a-b");
  EXPECT_EQ(label_value("///"), "unnamed");
  EXPECT_TRUE(is_label_value(label_value(std::string(62, 'x') + ".y")));
}

TEST(ShellWord, IsQuotedOnlyWhenItHasToBe) {
  EXPECT_EQ(shell_word("prod-1"), "prod-1");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's; rm"), "'it'\\''s; rm'");
  EXPECT_EQ(shell_word("~root"), "'~root'");
}

TEST(CommentLine, HoldsNoLineBreakOfAnyAlphabet) {
  EXPECT_EQ(comment_line("a\nb\r\x1b"), "a\\nb\\u000d\\u001b");
  EXPECT_EQ(comment_line("a\xC2\x85z\xE2\x80\xA8z\xE2\x80\xA9z"), "a\\u0085z\\u2028z\\u2029z");
  EXPECT_EQ(comment_line("caf\xC3\xA9 \xFF"), "caf\xC3\xA9 \\xff");
}

TEST(NoExpansion, StopsKubernetesFromReadingVariables) {
  EXPECT_EQ(no_expansion("a$(B)$c"), "a$$(B)$c");
}

}  // namespace
}  // namespace kneepoint::manifest
