#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kneepoint::httpd {

/// Undone up to `most` bytes: past it the error is Unsatisfiable (a small body can become a huge
/// one), anything that is no gzip is InvalidArgument. Several members in a row are one text.
Result<std::string> gunzip(std::string_view packed, std::size_t most);

/// `level` from 1 (fast) to 9.
std::string gzip(std::string_view text, int level);

/// Does Accept-Encoding take this coding? "gzip;q=0" does not, "*" does.
bool accepts_encoding(std::string_view accept_encoding, std::string_view coding);

/// Text is worth packing, pictures are not.
bool worth_packing(std::string_view content_type);

}  // namespace kneepoint::httpd
