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
  AnswerCache cache(16'000);
  for (const char* key : {"a", "b", "c"}) cache.keep(key, "1", bytes(std::string(3'800, 'x')));
  cache.find("a", "1");
  cache.keep("d", "1", bytes(std::string(3'800, 'x')));
  cache.keep("e", "1", bytes(std::string(3'800, 'x')));
  EXPECT_NE(cache.find("a", "1"), nullptr);
  EXPECT_EQ(cache.find("b", "1"), nullptr);
  EXPECT_LE(cache.counts().bytes, 16'000u);
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

}  // namespace
}  // namespace kneepoint::api
