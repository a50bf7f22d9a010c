#include <cstddef>
#include <cstdint>

#include "app/bench_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto spec = kneepoint::app::parse_bench_spec({reinterpret_cast<const char*>(data), size});
  if (spec && !kneepoint::workload::check(spec->run)) __builtin_trap();
  return 0;
}
