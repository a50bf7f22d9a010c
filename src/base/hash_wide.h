#pragma once

#include <cstddef>

namespace kneepoint {

/// As XXH3_128bits(), four words at a time: for the megabytes of a file, on a CPU that has AVX2.
struct Wide128 {
  unsigned long long low, high;
};
Wide128 hash_wide(const void* bytes, std::size_t size);

}  // namespace kneepoint
