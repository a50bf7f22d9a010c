#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "run/point.h"

// A point that is read is written as one that is read again, to the same text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kneepoint;
  const auto value = json::parse({reinterpret_cast<const char*>(data), size});
  if (!value) return 0;
  const auto point = run::point_from_json(*value);
  if (!point) return 0;
  const json::Value once = run::to_json(*point);
  const auto again = run::point_from_json(once);
  if (!again) std::abort();
  if (json::to_text(run::to_json(*again)) != json::to_text(once)) std::abort();
  return 0;
}
