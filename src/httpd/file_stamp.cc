#include "httpd/file_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace kneepoint::httpd {

Result<FileStamp> file_stamp(const std::string& path) {
  struct stat at{};
  if (::stat(path.c_str(), &at) != 0)
    return fail(errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Unavailable,
                fmt::format("{}: {}", path, std::strerror(errno)));
  if (!S_ISREG(at.st_mode)) return fail(ErrorCode::InvalidArgument, path + ": not a file");
  return FileStamp{
      at.st_dev,         at.st_ino,          static_cast<std::uint64_t>(at.st_size),
      at.st_mtim.tv_sec, at.st_mtim.tv_nsec, static_cast<unsigned>(at.st_mode & 07777)};
}

}  // namespace kneepoint::httpd
