#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/result.h"
#include "metrics/timeline.h"
#include "run/append_file.h"

/// `timelines.gz`: one line of JSON for each request, in gzip members one after another, so
/// `zcat timelines.gz` shows it all:
///
///     {"point":0,"due":0,"sent":81000,"first_byte":24100000,"end":310000000,"outcome":"completed",
///      "streamed":true,"usage":[128,32,0],"events":[24350000,1,9800000,1]}
///
/// Nanoseconds since the start of the point; `events` alternate between the time since the event
/// before (the first: since due) and tokens, 0 where the server did not say. `usage` is input,
/// output, reasoning. What did not happen is left out.
///
/// A record "timelines" in the log vouches for a stretch of the file, and comes only after those
/// bytes are on the disk. What lies past the last such stretch is of a point that was stopped; it
/// is cut off when the next one begins. gzip guards each member by its own CRC.
///
/// Considered instead: zstd (half the time, but the members would need a tool that fewer machines
/// have), a binary form (a third smaller after compression; needs this program to look at).
namespace kneepoint::run {

class Directory;

std::string to_timeline_line(std::int64_t point, const metrics::Timeline& timeline);
/// The lines of one point; an error names the line.
Result<std::vector<metrics::Timeline>> parse_timeline_lines(std::string_view lines);

class TimelineWriter {
 public:
  /// Compressed and written by this call, not yet flushed. Any number at a time.
  Result<void> add(std::span<const metrics::Timeline> timelines);
  /// Makes them lasting. A writer that ends without it leaves nothing.
  Result<void> finish();

 private:
  friend class Directory;
  TimelineWriter(Directory& directory, AppendFile file, std::int64_t point)
      : directory_(&directory), file_(std::move(file)), point_(point), from_(file_.size()) {}
  Result<void> write_member();

  Directory* directory_;
  AppendFile file_;
  std::int64_t point_;
  std::uint64_t from_;
  std::int64_t requests_ = 0;
  std::string lines_;
};

/// Reads block by block: a run's timelines may be larger than memory.
class TimelineReader {
 public:
  /// The next requests, in the order written; nothing after the last.
  Result<std::optional<std::vector<metrics::Timeline>>> next();

 private:
  friend class Directory;
  TimelineReader(MappedFile file, std::uint64_t from, std::uint64_t to)
      : file_(std::move(file)), at_(from), to_(to) {}

  MappedFile file_;
  std::uint64_t at_;
  std::uint64_t to_;
};

}  // namespace kneepoint::run
