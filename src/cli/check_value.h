#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/command_table.h"

namespace kneepoint::cli {

/// Whether `value` is one `flag` can take; the error says what it takes and, where it can be
/// guessed, the value that was meant: "--target-ttft-milliseconds takes a whole number of
/// milliseconds, without a unit: 300".
Result<void> check_value(const Flag& flag, std::string_view value);

/// "a, b or c"
std::string one_of(std::span<const std::string_view> choices);

}  // namespace kneepoint::cli
