#include "cli/large_pages.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace kneepoint::cli {

void prefer_large_pages() {
#ifdef __GLIBC__
  constexpr std::uintptr_t kStretch = 256 << 20, kPage = 2 << 20;
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);  // large vectors lie in the heap too,
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);  // and what they leave is used again
  void* stretch = std::malloc(kStretch);
  if (stretch == nullptr) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(stretch);
  const auto first = (begin + kPage - 1) / kPage * kPage;
  const auto last = (begin + kStretch) / kPage * kPage;
  (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  std::free(stretch);
#endif
}

}  // namespace kneepoint::cli
