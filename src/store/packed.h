#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "profile/ranking.h"

/// The column `packed` of a profile: the ranking columns and the points' figures once more, in one
/// piece. It is made from the same profile in the same statement as the columns and never read back
/// into them.
///
/// Why the figures are there twice: to read 40,000 points as rows takes SQLite more than twice as
/// long as to read the 10,000 packed profiles they belong to with all their words, because each row
/// steps the machine and each column is a call (docs/decisions/0002-store.md has the figures). SQL
/// filters on columns; what passes is read packed.
///
/// Layout, little-endian. Head: a format byte, u32 size of the head, the ranking columns in the
/// order of columns.h (text: u32 length and bytes; optional int: i32 with INT32_MIN for unknown;
/// optional bool: i8 with -1; double: 8 bytes with NaN for unknown; enum: 1 byte), of predicted
/// profiles (format 2) what stands behind the prediction, the newest
/// measured_on and the flags as texts, u32 number of points, u32 bits of the figures that any point
/// has (rates, then latencies). Then each such figure's doubles, point by point.
namespace kneepoint::store {

/// `flags` are those of all points, joined.
std::string pack(const profile::Profile& profile, std::string_view flags);

/// Appends a row; `into` keeps what it needs of `bytes`. Latencies of metrics not `wanted` (empty:
/// all) stay unknown. Bytes that pack() never wrote are refused.
Result<void> unpack(std::string_view bytes, std::span<const metrics::Metric> wanted,
                    profile::Ranking& into);

}  // namespace kneepoint::store
