#include "emulator/truth_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace kneepoint::emulator {
namespace {

constexpr std::size_t kFlushAt = std::size_t{256} << 10;

}  // namespace

Result<std::unique_ptr<TruthLog>> TruthLog::create(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) {
    return fail(ErrorCode::InvalidArgument, fmt::format("write {}: {}", path, strerror(errno)));
  }
  return std::unique_ptr<TruthLog>(new TruthLog(file, path));
}

TruthLog::TruthLog(int file, std::string path) : file_(file), path_(std::move(path)) {
  buffer_.reserve(kFlushAt * 2);
}

TruthLog::~TruthLog() { static_cast<void>(close()); }

void TruthLog::add(const Served& served) {
  fmt::format_to(std::back_inserter(buffer_),
                 R"({{"number":{},"id":"{}","received_ns":{},"prompt_tokens":{},)"
                 R"("output_tokens":{},"stream":{},"outcome":"{}","token_ns":[)",
                 served.number, served.id, served.received.count(), served.prompt_tokens,
                 served.output_tokens, served.stream, served.outcome);
  std::int64_t before = 0;
  char digits[24];
  if (served.token_nanos != nullptr) {
    for (const std::int64_t at : *served.token_nanos) {
      const auto end = std::to_chars(digits, digits + sizeof digits, at - before).ptr;
      *end = ',';
      buffer_.append(digits, static_cast<std::size_t>(end - digits) + 1);
      before = at;
    }
    if (!served.token_nanos->empty()) buffer_.pop_back();
  }
  buffer_ += "]}\n";
  if (buffer_.size() >= kFlushAt) flush();
}

void TruthLog::flush() {
  std::string_view left = buffer_;
  while (!left.empty() && wrong_ == 0) {
    const ssize_t count = write(file_, left.data(), left.size());
    if (count >= 0) {
      left.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      wrong_ = errno;
    }
  }
  buffer_.clear();
}

Result<void> TruthLog::close() {
  if (file_ < 0) return {};
  flush();
  if (::close(std::exchange(file_, -1)) != 0 && wrong_ == 0) wrong_ = errno;
  if (wrong_ != 0) {
    return fail(ErrorCode::Unavailable, fmt::format("write {}: {}", path_, strerror(wrong_)));
  }
  return {};
}

}  // namespace kneepoint::emulator
