#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace kneepoint {

std::string content_hash(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  // By hand: lists ask for thousands.
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out(32, '0');
  for (std::size_t i = 0; i < 16; ++i) {
    const std::size_t shift = 60 - 4 * i;
    out[i] = kHex[hash.high64 >> shift & 15];
    out[16 + i] = kHex[hash.low64 >> shift & 15];
  }
  return out;
}

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace kneepoint
