#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kneepoint {

/// The whole file; an error names the path and the system's reason.
Result<std::string> read_file(const std::filesystem::path& path);

/// All or nothing: written beside the target, flushed, then renamed over it. On a full disk or a
/// read-only folder the old file is as it was.
Result<void> write_file(const std::filesystem::path& path, std::string_view bytes);

/// A read-only file mapped into memory; the view lives as long as this object.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace kneepoint
