#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "predict/calibration.h"

namespace kp = kneepoint::predict;

// What was accepted is written to a text that reads back to itself.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = kp::calibration_from_text({reinterpret_cast<const char*>(data), size});
  if (!read) {
    if (read.error().message.find("calibration") == std::string_view::npos) std::abort();
    return 0;
  }
  const auto text = kp::to_text(*read);
  const auto again = kp::calibration_from_text(text);
  if (!again || kp::to_text(*again) != text) std::abort();
  return 0;
}
