#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

/// The text of a run's log, `run.log`:
///
///     kneepoint-run v1
///     <sum> <size> 0 header {"...":...}
///     <sum> <size> 1 point {"...":...}
///
/// One line is one record, written by one write: number in the file, kind, JSON without blanks.
/// `size` counts the bytes after itself and its blank, `sum` is XXH3 (64 bits, hex) of all after
/// the sum. So a person reads it with `less`, cuts it with `cut` and never needs this program.
///
/// A process that was killed, or a machine that lost power, leaves at most one unfinished line, and
/// that at the end: it is dropped with a warning, its record had not been acknowledged. Damage
/// anywhere else cannot come from a kill; it is an error that names the record, because dropping a
/// point without a word is worse than stopping. The size is what tells the two apart when the
/// damaged byte is a line's end.
///
/// Considered instead: binary frames (nobody can look into them), SQLite (more than a log needs,
/// and loaded only by the store), one file per point (a folder of thousands, and no order), JSON
/// lines without sums (a torn line may still be JSON: 12.5 cut to 12).
namespace kneepoint::run {

struct Record {
  std::int64_t index = 0;  // 0 is the header
  std::string kind;        // small letters and '-': "header", "point", "timelines"
  json::Value value;
};

inline constexpr std::string_view kLogStart = "kneepoint-run v1\n";
inline constexpr std::size_t kLargestRecord = std::size_t{64} << 20;
inline constexpr std::size_t kLargestLog = std::size_t{1} << 30;

/// With its line end. An error where the kind is no word or the record past its bound.
Result<std::string> to_log_line(std::int64_t index, std::string_view kind,
                                const json::Value& value);

/// One line without its end; InvalidArgument where its sum is not right.
Result<Record> parse_log_line(std::string_view line);

struct LogText {
  std::vector<Record> records;
  std::size_t good = 0;             // bytes up to the end of the last whole record
  std::optional<std::string> torn;  // what was dropped after it, as a warning
};

/// Incompatible: written by a later version. InvalidArgument: not a run's log, or damaged; the
/// message says where.
Result<LogText> parse_log(std::string_view bytes);

}  // namespace kneepoint::run
