#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "metrics/timeline.h"
#include "run/append_file.h"
#include "run/log_text.h"
#include "run/timelines.h"

namespace kneepoint::run {

/// A run on disk: `run.log`, its records (log_text.h), and `timelines.gz`, what happened to each
/// request (timelines.h), where that was asked for. Both only grow. A process killed at any moment
/// loses no record that append() returned for; the next open() goes on after the last one.
/// Described for users in docs/run-directory.md.
class Directory {
 public:
  /// Makes the folder, or takes an empty one, and puts the header down as record 0. Conflict for a
  /// folder that holds anything. InvalidArgument for a header with a credential in it.
  static Result<Directory> create(const std::filesystem::path& folder, const json::Value& header);

  enum class For {
    Reading,    // any number at once, also beside the one that writes
    Appending,  // one at a time: Conflict while another process has it
  };
  /// Appending cuts off an unfinished last record; either way a warning tells of it.
  static Result<Directory> open(const std::filesystem::path& folder, For purpose);

  const std::filesystem::path& folder() const { return folder_; }
  const json::Value& header() const { return records_.front().value; }
  /// All after the header, in order, with what this object has added.
  std::span<const Record> records() const { return std::span(records_).subspan(1); }
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// Adds a record and returns its number once it is on the disk. Costs a flush: for points, not
  /// for requests.
  Result<std::int64_t> append(std::string_view kind, const json::Value& value);

  /// For the requests of one point, before the point's own record. The directory must stay where it
  /// is meanwhile; one writer at a time.
  Result<TimelineWriter> write_timelines(std::int64_t point);
  /// Those of one point; where a point was run twice, of the last time. NotFound when none were
  /// kept.
  Result<TimelineReader> timelines(std::int64_t point) const;

 private:
  friend class TimelineWriter;
  Directory() = default;
  Result<void> put(std::string_view kind, const json::Value& value);

  std::filesystem::path folder_;
  AppendFile log_;
  std::vector<Record> records_;
  std::vector<std::string> warnings_;
};

}  // namespace kneepoint::run
