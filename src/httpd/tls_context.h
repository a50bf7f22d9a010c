#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "httpd/file_stamp.h"
#include "httpd/server.h"

namespace kneepoint::httpd {

/// The certificate that new connections are answered with. Open ones keep the one they began with.
class TlsContext {
 public:
  using Context = boost::asio::ssl::context;

  /// The error names the file, or says that key and certificate are no pair.
  static Result<std::unique_ptr<TlsContext>> load(TlsFiles files);

  std::shared_ptr<Context> current() const;
  /// Reads the files again if one changed: true where it did. On an error the old ones stay, and
  /// the same files are not tried again.
  Result<bool> refresh();

 private:
  explicit TlsContext(TlsFiles files) : files_(std::move(files)) {}
  Result<std::vector<FileStamp>> stamps() const;
  Result<std::shared_ptr<Context>> make() const;

  const TlsFiles files_;
  mutable std::mutex mutex_;  // held to copy a pointer
  std::shared_ptr<Context> current_;
  std::vector<FileStamp> seen_;
};

/// Of a client's certificate: its common name, at most 64 characters, none that a log could
/// stumble over; empty without one.
std::string peer_name(SSL* ssl);

}  // namespace kneepoint::httpd
