#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kneepoint::run {

/// The text as one gzip member (RFC 1952); members one after another are a gzip file.
Result<std::string> compress(std::string_view text);
/// The first member of the bytes, which are moved past it. An error when it is cut, damaged or
/// unpacks to more than `most`.
Result<std::string> decompress(std::string_view& bytes, std::size_t most);

}  // namespace kneepoint::run
