#include "httpd/gzip.h"

#include <gtest/gtest.h>

namespace kneepoint::httpd {
namespace {

TEST(Gzip, ComesBackAsItWas) {
  for (const std::string& text : {std::string(), std::string("a"), std::string(1 << 20, 'b')})
    EXPECT_EQ(gunzip(gzip(text, 6), 1 << 20), text);
  EXPECT_EQ(gunzip(gzip("one ", 1) + gzip("two", 9), 100), "one two");
}

TEST(Gzip, IsUnpackedUpToABound) {
  const auto bomb = gzip(std::string(100 << 20, '\0'), 9);
  ASSERT_LT(bomb.size(), 200'000U);
  const auto refused = gunzip(bomb, 1 << 20);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unsatisfiable);
  EXPECT_TRUE(gunzip(gzip("12345", 6), 5));
  EXPECT_FALSE(gunzip(gzip("123456", 6), 5));
}

TEST(Gzip, RefusesWhatIsNone) {
  const auto packed = gzip("hello hello hello", 6);
  EXPECT_FALSE(gunzip("", 100));
  EXPECT_FALSE(gunzip("hello", 100));
  EXPECT_FALSE(gunzip(packed.substr(0, packed.size() - 1), 100));
  EXPECT_FALSE(gunzip(packed + "more", 100));
}

TEST(AcceptEncoding, IsReadWithItsWeights) {
  EXPECT_TRUE(accepts_encoding("gzip", "gzip"));
  EXPECT_TRUE(accepts_encoding("br;q=1.0, GZIP;q=0.8, *;q=0.1", "gzip"));
  EXPECT_TRUE(accepts_encoding("*", "br"));
  EXPECT_FALSE(accepts_encoding("*, gzip;q=0", "gzip"));
  EXPECT_FALSE(accepts_encoding("", "gzip"));
  EXPECT_FALSE(accepts_encoding("br", "gzip"));
  EXPECT_FALSE(accepts_encoding("gzip;q=x", "gzip"));
}

}  // namespace
}  // namespace kneepoint::httpd
