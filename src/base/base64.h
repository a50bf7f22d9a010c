#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kneepoint {

/// RFC 4648 with padding, as Kubernetes writes bytes into JSON.
std::string base64(std::string_view bytes);
/// Nothing for a text that is not exactly that.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace kneepoint
