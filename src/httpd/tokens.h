#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "httpd/file_stamp.h"
#include "httpd/route.h"

namespace kneepoint::httpd {

/// Who asks, and what they may do.
struct Caller {
  std::string name;
  Right right = Right::Read;
};

/// The tokens of a file, one per line:
///
///     # name   right    token, or sha256: and the hash of one in hex
///     ci       read     3f0c9a...
///     ops      deploy   sha256:9f86d0...
///
/// A right (read, write, deploy) includes the ones before it. The file must be closed to others and
/// not writable by its group. Tokens are kept as SHA-256 and compared in constant time. Every door
/// asks the same table, from any thread.
class TokenTable {
 public:
  /// The error names the line, never a token.
  static Result<std::shared_ptr<TokenTable>> open(std::string path);

  std::optional<Caller> find(std::string_view token) const;
  /// Reads the file again if it changed: true where it did. On an error the tokens stay as they
  /// were.
  Result<bool> refresh();
  std::size_t size() const;

 private:
  struct Entry {
    std::array<unsigned char, 32> hash;
    Caller caller;
  };
  using Entries = std::vector<Entry>;

  explicit TokenTable(std::string path) : path_(std::move(path)) {}
  static Result<Entries> parse(std::string_view text);
  Result<void> read();

  const std::string path_;
  mutable std::mutex mutex_;  // held to copy a pointer
  std::shared_ptr<const Entries> entries_;
  FileStamp stamp_;
};

/// The token of "Bearer <token>", the scheme in any case; none where it is another scheme.
std::optional<std::string_view> bearer_token(std::string_view authorization);

std::optional<Right> parse_right(std::string_view name);
std::string_view name(Right right);

}  // namespace kneepoint::httpd
