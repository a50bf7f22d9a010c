#include "base/hash_wide.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

// Built for AVX2 where there is such a thing (src/modules.cmake), and so without any function that
// another file might have too: the linker could give it this one.
namespace kneepoint {

Wide128 hash_wide(const void* bytes, std::size_t size) {
  const XXH128_hash_t hash = XXH3_128bits(bytes, size);
  return {hash.low64, hash.high64};
}

}  // namespace kneepoint
