#include "api/answer_cache.h"

#include <gtest/gtest.h>

namespace kneepoint::api {
namespace {

Bytes bytes(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

TEST(AnswerCache, KeepsAnAnswerForOneState) {
  AnswerCache cache(1 << 20);
  cache.keep("ask", "1", bytes("answer"));
  ASSERT_NE(cache.find("ask", "1"), nullptr);
  EXPECT_EQ(*cache.find("ask", "1"), "answer");
  EXPECT_EQ(cache.find("other", "1"), nullptr);
  EXPECT_EQ(cache.find("ask", "2"), nullptr);
  EXPECT_EQ(cache.find("ask", "1"), nullptr) << "what was of an older state is gone";
  EXPECT_EQ(cache.counts().bytes, 0u);
}

TEST(AnswerCache, DropsWhatWasNotUsedLongest) {
  AnswerCache cache(20'000);
  for (const char* key : {"a", "b", "c"}) cache.keep(key, "1", bytes(std::string(3'800, 'x')));
  cache.find("a", "1");
  cache.keep("d", "1", bytes(std::string(3'800, 'x')));
  cache.keep("e", "1", bytes(std::string(3'800, 'x')));
  EXPECT_NE(cache.find("a", "1"), nullptr);
  EXPECT_EQ(cache.find("b", "1"), nullptr);
  EXPECT_LE(cache.counts().bytes, 20'000u);
}

TEST(AnswerCache, DoesNotThrowOutTheRestForOneLargeAnswer) {
  AnswerCache cache(16'000);
  cache.keep("small", "1", bytes("x"));
  cache.keep("large", "1", bytes(std::string(5'000, 'x')));
  EXPECT_EQ(cache.find("large", "1"), nullptr);
  EXPECT_NE(cache.find("small", "1"), nullptr);
}

TEST(AnswerCache, ReplacesWhatItHas) {
  AnswerCache cache(1 << 20);
  cache.keep("ask", "1", bytes("old"));
  cache.keep("ask", "2", bytes("new"));
  EXPECT_EQ(*cache.find("ask", "2"), "new");
  EXPECT_EQ(cache.counts().entries, 1u);
}

TEST(AnswerCache, FindsWhatWasSentInAnotherSpelling) {
  AnswerCache cache(1 << 20);
  cache.keep("ask", "1", bytes("answer"));
  const std::size_t alone = cache.counts().bytes;
  EXPECT_EQ(cache.find_as_sent("a s k", "1"), nullptr);
  EXPECT_EQ(cache.counts().misses, 0u);
  cache.also_sent_as("ask", "a s k");
  cache.also_sent_as("ask", "a s k");
  cache.also_sent_as("nothing kept", "n");
  EXPECT_EQ(*cache.find_as_sent("a s k", "1"), "answer");
  EXPECT_EQ(cache.find_as_sent("n", "1"), nullptr);
  for (const char* more : {"1", "2", "3", "4"}) cache.also_sent_as("ask", more);
  EXPECT_EQ(cache.find_as_sent("a s k", "1"), nullptr) << "the oldest of five is forgotten";
  EXPECT_NE(cache.find_as_sent("1", "1"), nullptr);
  cache.also_sent_as("ask", std::string(AnswerCache::kLongestSpelling + 1, 'x'));
  EXPECT_GT(cache.counts().bytes, alone);
  EXPECT_LT(cache.counts().bytes, alone + 1000);
  EXPECT_EQ(cache.find_as_sent("1", "2"), nullptr) << "of another state";
  EXPECT_EQ(cache.counts().bytes, 0u);
  EXPECT_EQ(cache.find_as_sent("2", "1"), nullptr) << "its spellings went with it";
}

}  // namespace
}  // namespace kneepoint::api
