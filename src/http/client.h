#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "http/endpoint.h"
#include "http/loop.h"
#include "http/response_parser.h"

namespace kneepoint::http {

struct Request {
  std::string method = "POST";
  std::string path;  // the whole path: Url::path() puts the base in front
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
};

/// The bytes of a request, with Host, Content-Length and, unless the fields have one, an
/// Accept-Encoding that asks for a plain answer. Made before the request is due, so that sending it
/// is one write; where an http proxy is used, the client puts in what the proxy needs. An error: a
/// line break or the like where it would become structure.
Result<std::string> to_wire(const Url& url, const Request& request);

/// How long to wait; 0 is for ever. A server may stall in mid-stream under status 200 and never
/// close, so `silence` is not optional in practice.
struct Patience {
  Nanos connect = std::chrono::seconds(10);
  Nanos first_byte = std::chrono::minutes(10);  // since the request was sent
  Nanos silence = std::chrono::minutes(1);      // between bytes of the answer
  Nanos whole{0};                               // since it was asked for
};

/// When bytes came. By the kernel: when the last packet of the read arrived. Otherwise, where the
/// kernel gave no time, when the read returned.
struct Stamp {
  Time at{};
  bool by_kernel = false;
};

enum class Outcome {
  Complete,      // a whole response, whatever its status
  NotConnected,  // refused, unreachable, not trusted, no way through the proxy
  TimedOut,      // the reason says which patience ended
  Cut,           // closed or reset before the response was whole
  NotHttp,       // what came is no HTTP/1.1, or compressed though it was asked for plain
  Cancelled,
};
std::string_view name(Outcome outcome);

struct Ending {
  Outcome outcome = Outcome::Complete;
  std::string reason;   // in words; empty when complete
  int status = 0;       // 0 when no head came
  bool reused = false;  // went over a connection that had served before
  bool resent = false;  // a kept connection turned out closed; sent once more over a new one
  Time asked{};
  std::optional<Time> connected;  // a connection was at hand
  std::optional<Time> sent;       // the kernel took the last byte
  std::optional<Stamp> first_byte;
  std::optional<Stamp> last_byte;
};

/// What one request is told, in the loop's thread. It lives until on_end(), which comes exactly
/// once and never from inside send(). It may cancel, send and destroy what it likes, but not the
/// client.
class Exchange {
 public:
  virtual void on_head(const ResponseHead&, Stamp) {}
  virtual void on_body(std::string_view bytes, Stamp stamp) = 0;
  virtual void on_end(const Ending& ending) = 0;

 protected:
  ~Exchange() = default;
};

struct ClientOptions {
  Patience patience;
  /// A kept connection may be closed by the server just as it is used (some close after every
  /// streamed answer and say they would not). When not one byte came back, send once more.
  bool resend_when_closed = true;
};

struct ClientStats {
  std::uint64_t connections = 0;  // opened, or tried to
  std::uint64_t reads = 0;
  std::uint64_t kernel_stamps = 0;  // of these reads
  std::uint64_t tls_resumed = 0;    // connections that took up an earlier session
};

/// Requests to one server over one loop: a connection per request under way, kept for the next one
/// when the server allows. Never waits for a connection to become free: a client that queues hides
/// what it measures.
class Client {
 public:
  using RequestId = std::uint64_t;

  Client(Loop& loop, Endpoint endpoint, ClientOptions options = {});
  ~Client();  // what is under way is dropped without on_end()
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  struct Warmed {
    std::size_t open = 0;
    std::string reason;  // of the first that failed
  };
  /// Opens connections before a clock starts, tunnel and handshake included, and tells when all are
  /// open or have failed.
  void warm(std::size_t count, std::function<void(const Warmed&)> then);

  RequestId send(std::string wire, Exchange& exchange);
  RequestId send(std::string wire, Exchange& exchange, const Patience& patience);
  /// Closes its connection; on_end() comes at the end of the loop's turn. Nothing when it has
  /// ended.
  void cancel(RequestId request);

  std::size_t idle_connections() const;
  std::size_t busy_connections() const;
  const ClientStats& stats() const;
  /// What the last connection of an https server agreed on.
  const std::optional<TlsFacts>& tls() const;

 private:
  class Pool;
  std::unique_ptr<Pool> pool_;
};

}  // namespace kneepoint::http
