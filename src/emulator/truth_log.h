#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace kneepoint::emulator {

/// What was served to one request. Times are nanoseconds since its receipt: when the last of its
/// packets came in, by the kernel; a token's is read just before the send() that takes it.
struct Served {
  std::uint64_t number = 0;
  std::string_view id;  // as in its answer, or the X-Request-Id the client gave
  Nanos received{};     // since the start of the server
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;  // asked for
  bool stream = false;
  std::string_view outcome;  // completed, cancelled, rejected, stalled, cut, error
  const std::vector<std::int64_t>* token_nanos = nullptr;
};

/// JSON Lines, one line per request as it ends:
///
///     {"number":0,"id":"cmpl-0","received_ns":123,"prompt_tokens":5,"output_tokens":2,
///      "stream":true,"outcome":"completed","token_ns":[100021344,10003321]}
///
/// `token_ns` holds the first token's time since receipt and then the gaps, which keeps a line of a
/// thousand tokens at 9 kB. Text, so that any tool reads it; a line costs about 10 ns a token.
class TruthLog {
 public:
  static Result<std::unique_ptr<TruthLog>> create(const std::string& path);
  ~TruthLog();

  void add(const Served& served);
  /// Whether everything is in the file: a disk may be full.
  Result<void> close();

 private:
  explicit TruthLog(int file, std::string path);
  void flush();

  int file_;
  std::string path_;
  std::string buffer_;
  int wrong_ = 0;  // errno of the first write that failed
};

}  // namespace kneepoint::emulator
