#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "base/result.h"

namespace kneepoint::run {

/// A file that only grows. What append() returned for is on the disk, or as near to it as the
/// system's fdatasync brings it. After a write or flush that failed nobody knows what the disk
/// holds, so every later append is refused; opening the file again finds out.
class AppendFile {
 public:
  /// Conflict when it is there already. The folder's entry is flushed too.
  static Result<AppendFile> create(const std::filesystem::path& path);
  static Result<AppendFile> open(const std::filesystem::path& path);
  AppendFile() = default;
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  /// Held until this object ends, also by a process that is killed. Conflict when another process
  /// has it; never waits.
  Result<void> lock();

  /// Adds the bytes; flush() makes them lasting.
  Result<void> write(std::string_view bytes);
  Result<void> flush();
  /// Takes away what lies past `size`: bytes that nothing vouches for.
  Result<void> cut_to(std::uint64_t size);

  std::uint64_t size() const { return size_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  AppendFile(int descriptor, std::filesystem::path path, std::uint64_t size)
      : descriptor_(descriptor), path_(std::move(path)), size_(size) {}

  int descriptor_ = -1;
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  bool broken_ = false;
};

/// So that a file made in the folder, or the folder itself, is still there after a power cut.
Result<void> flush_folder(const std::filesystem::path& folder);

}  // namespace kneepoint::run
