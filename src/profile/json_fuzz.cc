#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "profile/json.h"

namespace kp = kneepoint;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Whatever is read as a profile has one canonical form: written, read and written again it is the
// same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto document =
      kp::json::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!document) return 0;
  const auto profile = kp::profile::from_json(*document);
  if (!profile) {
    require(!profile.error().message.empty());
    return 0;
  }
  const std::string canonical = kp::json::to_line(kp::profile::to_json(*profile));
  const auto parsed = kp::json::parse(canonical);
  require(parsed.has_value());
  const auto again = kp::profile::from_json(*parsed);
  require(again.has_value());
  require(kp::json::to_line(kp::profile::to_json(*again)) == canonical);
  return 0;
}
