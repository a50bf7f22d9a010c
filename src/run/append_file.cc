#include "run/append_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace kneepoint::run {
namespace {

tl::unexpected<Error> failed(const char* doing, const std::filesystem::path& path, int error) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::NotFound
                         : error == EEXIST                   ? ErrorCode::Conflict
                                                             : ErrorCode::Unavailable;
  return fail(code, fmt::format("cannot {} {}: {}", doing, path.string(), std::strerror(error)));
}

}  // namespace

Result<void> flush_folder(const std::filesystem::path& folder) {
  const std::filesystem::path here = folder.empty() ? "." : folder;
  const int descriptor = ::open(here.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return failed("open", here, errno);
  // Some file systems cannot flush a folder and say EINVAL; there is nothing more to be done there.
  const bool flushed = ::fsync(descriptor) == 0 || errno == EINVAL;
  const int error = errno;
  ::close(descriptor);
  if (!flushed) return failed("flush", here, error);
  return {};
}

Result<AppendFile> AppendFile::create(const std::filesystem::path& path) {
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return failed("create", path, errno);
  AppendFile file(descriptor, path, 0);
  if (auto flushed = flush_folder(path.parent_path()); !flushed) return fail(flushed.error());
  return file;
}

Result<AppendFile> AppendFile::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) return failed("open", path, errno);
  AppendFile file(descriptor, path, 0);
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return failed("look at", path, errno);
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      size_(other.size_),
      broken_(other.broken_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  std::swap(size_, other.size_);
  std::swap(broken_, other.broken_);
  return *this;
}

AppendFile::~AppendFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> AppendFile::lock() {
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) {
    return fail(
        ErrorCode::Conflict,
        fmt::format("{} is being written by another process; wait for it to end, or stop it",
                    path_.string()));
  }
  return failed("lock", path_, errno);
}

Result<void> AppendFile::write(std::string_view bytes) {
  if (broken_) {
    return fail(ErrorCode::Unavailable,
                fmt::format("{}: a write before this one failed; make room, then resume the run",
                            path_.string()));
  }
  const std::uint64_t before = size_;
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const int error = errno;
      // Half a record would be dropped when the file is next opened; better it is not there.
      broken_ = !cut_to(before);
      return failed("write to", path_, error);
    }
    size_ += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> AppendFile::flush() {
  if (::fdatasync(descriptor_) == 0) return {};
  broken_ = true;
  return failed("flush", path_, errno);
}

Result<void> AppendFile::cut_to(std::uint64_t size) {
  if (size_ == size) return {};
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) != 0) {
    return failed("shorten", path_, errno);
  }
  size_ = size;
  return {};
}

}  // namespace kneepoint::run
