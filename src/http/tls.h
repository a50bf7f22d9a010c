#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

/// TLS for the client. The library behind it is a shared module, loaded when the first https
/// address is used (docs/decisions/0006-tls-is-a-module.md).
namespace kneepoint::http {

struct TlsOptions {
  std::filesystem::path module_folder;  // where kneepoint-http-tls.so lies
  /// PEM. Authorities to trust in place of the system's.
  std::filesystem::path ca_file{};
  /// PEM: the client's own certificate, with those between it and its authority, and its key. The
  /// key may stand in the file of the certificate.
  std::filesystem::path certificate_file{};
  std::filesystem::path key_file{};
  /// false trusts whoever answers, and with that whoever stands between: say so in the report.
  bool verify = true;
};

/// What was agreed on, as the library names it: "TLSv1.3", "TLS_AES_256_GCM_SHA384".
struct TlsFacts {
  std::string version;
  std::string cipher;
  bool resumed = false;
};

/// One connection's cryptography; it knows no socket. Bytes from the socket go in by take(), bytes
/// for it gather in outgoing(). Errors are final and name the server.
class TlsSession {
 public:
  virtual ~TlsSession() = default;

  /// What came from the socket; kept until it is read.
  virtual Result<void> take(std::string_view bytes) = 0;
  /// Whether the handshake is done. Call first, and then whenever bytes came in until it is. On an
  /// error too there may be outgoing bytes: the other side is told.
  virtual Result<bool> shake_hands() = 0;
  /// Plain bytes into the buffer; 0 when there are none yet. closed() tells whether more may come.
  virtual Result<std::size_t> read(std::span<char> buffer) = 0;
  /// The other side said that nothing more comes. A connection closed without that was cut.
  virtual bool closed() const = 0;
  virtual Result<void> write(std::string_view plain) = 0;
  /// For the socket, in order. Whoever sends them clears them.
  virtual std::string& outgoing() = 0;
  virtual TlsFacts facts() const = 0;
};

/// What all connections to one server share: whom to trust, own certificate, sessions to take up
/// again. Any thread may start sessions.
class TlsContext {
 public:
  virtual ~TlsContext() = default;
  virtual Result<std::unique_ptr<TlsSession>> start() = 0;
};

/// `host` is the name or address that the server's certificate has to be for. Loads the module and
/// reads the files.
Result<std::shared_ptr<TlsContext>> open_tls(const std::string& host, const TlsOptions& options);

/// What the module offers to the program that loads it. Both come from one build, since C++ types
/// cross the line: `build` is compared before anything else.
struct TlsModule {
  const char* build;
  Result<std::shared_ptr<TlsContext>> (*open)(const std::string& host, const TlsOptions& options);
};
inline constexpr const char* kTlsModuleSymbol = "kneepoint_http_tls";
/// Raised whenever an interface in this header changes.
inline constexpr const char* kTlsModuleBuild = "kneepoint-http-tls-1 " __VERSION__;

}  // namespace kneepoint::http
