#include "base/base64.h"

#include <gtest/gtest.h>

#include <utility>

namespace kneepoint {
namespace {

TEST(Base64, IsThatOfTheStandard) {
  for (const auto& [bytes, text] :
       {std::pair{"", ""}, std::pair{"f", "Zg=="}, std::pair{"fo", "Zm8="},
        std::pair{"foo", "Zm9v"}, std::pair{"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, BringsEveryByteBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t cut = 0; cut < 4; ++cut) {
    const std::string part = bytes.substr(cut);
    EXPECT_EQ(from_base64(base64(part)), part);
  }
}

TEST(Base64, RefusesWhatItWouldNotWrite) {
  for (const char* text : {"Zg=", "Z===", "Zg==Zg==", "Zh==", "Zm9=", "Zm9 ", "====", "Zm=v"})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace kneepoint
