#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kneepoint {

using Date = std::chrono::sys_days;

/// "2026-08-21", "2026-08" (its last day is meant: the newest the fact can be) or "2026".
std::optional<Date> parse_date(std::string_view text);
/// The same, but a month or year means its first day: the oldest the fact can be.
std::optional<Date> parse_date_earliest(std::string_view text);
std::string to_text(Date date);

}  // namespace kneepoint
