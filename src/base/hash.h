#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kneepoint {

/// 128 bits of XXH3 as 32 hex digits: tells whether content changed, not who wrote it.
std::string content_hash(std::string_view bytes);
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace kneepoint
