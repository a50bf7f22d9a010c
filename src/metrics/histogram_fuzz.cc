#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "metrics/histogram.h"

// What is accepted is written again byte for byte. The hash is put on here: no fuzzer finds one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kneepoint::metrics::Histogram;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (std::string bytes : {std::string(text), "KPhist\x01\x09" + std::string(text)}) {
    const std::uint64_t hash = kneepoint::hash64(bytes);
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(hash >> shift);
    const auto histogram = Histogram::from_bytes(bytes);
    if (histogram && histogram->to_bytes() != bytes) std::abort();
  }
  return 0;
}
