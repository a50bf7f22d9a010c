#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kneepoint {

std::string_view trim(std::string_view text);
std::string lower(std::string_view text);
/// The parts between separators, blanks around each dropped; an empty text has no parts.
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// The whole text as a finite decimal number; "1e3" is one, "300ms", "nan", "0x10" and "" are not.
std::optional<double> parse_number(std::string_view text);
/// The whole text as a base-10 integer.
std::optional<long long> parse_integer(std::string_view text);

/// The fewest digits that read back to the same double; whole numbers without a point.
std::string shortest(double value);
/// With a fixed number of decimals, and never "-0".
std::string fixed(double value, int decimals);
/// Bytes as a person reads them: "47.7 GiB".
std::string human_bytes(double bytes);

/// Up to `most` names closest to `wanted` by edit distance, case ignored, nearest first; names that
/// share nothing with it are left out. For "did you mean".
std::vector<std::string> nearest(std::string_view wanted, const std::vector<std::string>& names,
                                 std::size_t most = 3);

/// A DNS label (RFC 1123): lower case, digits and '-', starts and ends with a letter or digit, at
/// most `longest` characters. A name that had to be cut ends in 6 hex digits of its hash, so two
/// names that differ only past the cut stay apart.
std::string dns_label(std::string_view text, std::size_t longest = 63);

}  // namespace kneepoint
