#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace kneepoint::httpd {

/// What differs once a file was written again or another was put in its place. Links are followed:
/// Kubernetes replaces the files of a Secret by turning a link.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t seconds = 0, nanos = 0;
  unsigned mode = 0;  // permission bits
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// The error names the file and the system's reason.
Result<FileStamp> file_stamp(const std::string& path);

}  // namespace kneepoint::httpd
