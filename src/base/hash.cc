#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash_wide.h"

namespace kneepoint {
namespace {

constexpr std::size_t kLarge = 1 << 16;

bool can_hash_wide() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

}  // namespace

std::string content_hash(std::string_view bytes) {
  XXH128_hash_t hash;
  if (bytes.size() >= kLarge && can_hash_wide()) {
    const Wide128 wide = hash_wide(bytes.data(), bytes.size());
    hash = {wide.low, wide.high};
  } else {
    hash = XXH3_128bits(bytes.data(), bytes.size());
  }
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
