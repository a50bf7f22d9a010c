#include "base/hash.h"

#include <gtest/gtest.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string>

namespace kneepoint {
namespace {

std::string bytes_of(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 131 + (i >> 7));
  return out;
}

TEST(ContentHash, IsXxh3OfTheBytesAs32HexDigits) {
  EXPECT_EQ(content_hash(""), "99aa06d3014798d86001c324468d497f");  // published with XXH3
  EXPECT_EQ(content_hash("kneepoint").size(), 32u);
}

TEST(ContentHash, OfLargeBytesIsTheSameHoweverWideItIsMade) {
  for (const std::size_t size : {65'535u, 65'536u, 65'537u, 1'000'003u}) {
    const std::string bytes = bytes_of(size);
    const XXH128_hash_t plain = XXH3_128bits(bytes.data(), bytes.size());
    char expected[33];
    std::snprintf(expected, sizeof expected, "%016llx%016llx",
                  static_cast<unsigned long long>(plain.high64),
                  static_cast<unsigned long long>(plain.low64));
    EXPECT_EQ(content_hash(bytes), expected) << size;
  }
}

}  // namespace
}  // namespace kneepoint
