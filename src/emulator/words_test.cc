#include "emulator/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace kneepoint::emulator {
namespace {

using ::testing::IsEmpty;

TEST(Words, EveryIdReadsBack) {
  std::vector<TokenId> ids(kVocabulary);
  for (TokenId id = 0; id < kVocabulary; ++id) ids[id] = id;
  std::vector<TokenId> back;
  append_tokens(text_of(ids), back);
  EXPECT_EQ(back, ids);
}

TEST(Words, OneWordIsOneTokenHoweverItIsSpaced) {
  EXPECT_EQ(count_tokens(""), 0U);
  EXPECT_EQ(count_tokens("  \n\t "), 0U);
  EXPECT_EQ(count_tokens("Hello,  big\nworld! "), 3U);
  std::vector<TokenId> ids;
  append_tokens("same other same", ids);
  ASSERT_EQ(ids.size(), 3U);
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_NE(ids[0], ids[1]);
}

TEST(Words, TextWithoutBlanksCountsByFourBytes) {
  EXPECT_EQ(count_tokens("日本語日"), 3U);      // 12 bytes
  EXPECT_EQ(count_tokens("go日本語日go"), 5U);  // ASCII stands apart
}

}  // namespace
}  // namespace kneepoint::emulator
