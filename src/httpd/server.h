#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "httpd/endpoint.h"
#include "httpd/route.h"
#include "httpd/tokens.h"

namespace kneepoint::httpd {

/// PEM files, read again when they change. All empty: plain HTTP.
struct TlsFiles {
  std::string certificate, key;  // both or none; the certificate with its chain
  std::string client_ca;         // who signs client certificates; one is then asked of every client

  bool enabled() const { return !certificate.empty(); }
};

struct Limits {
  std::size_t header = std::size_t{16} << 10;   // bytes of request line and fields: 431 past it
  std::size_t target = std::size_t{8} << 10;    // bytes of path and query: 414 past it
  std::size_t connections = 20'000;             // past it the longest idle one is closed
  std::size_t bodies = std::size_t{512} << 20;  // bytes of all bodies under way: 503 past it
  std::size_t events = std::size_t{1} << 20;    // bytes that wait for a slow reader of a stream
  std::size_t pace = std::size_t{16} << 10;  // bytes per second; who sends or reads slower is cut
  double requests_per_second = 0;       // of one caller (token, or address where none); 0: no limit
  double burst = 0;                     // 0: twice the rate
  double failed_tokens_per_second = 5;  // of one address, before it is answered 429
};

/// Each is looked at once per `round`.
struct Timeouts {
  std::chrono::milliseconds idle{75'000};    // between two requests
  std::chrono::milliseconds header{10'000};  // from a request's first byte to its last field
  std::chrono::milliseconds body{20'000};    // and on top of it the time its bytes take at `pace`
  std::chrono::milliseconds write{30'000};   // the same for the answer
  std::chrono::milliseconds heartbeat{15'000};
  std::chrono::milliseconds round{1'000};
  std::chrono::milliseconds files{5'000};  // between two looks at certificates and tokens
};

struct Options {
  Endpoint listen;
  TlsFiles tls;
  std::shared_ptr<TokenTable> tokens;      // none: whoever reaches the address may ask
  std::vector<std::string> allowed_hosts;  // names beside localhost that Host may have
  Right most = Right::Deploy;              // nobody may do more: Read is the read-only mode
  std::string web;                         // folder of the console; empty: none
  Limits limits;
  Timeouts timeouts;
  unsigned threads = 0;  // of the server's own; 0: by the machine. Routes are called on them
  /// One JSON object in a line, without its end: access and what went wrong. From any thread.
  std::function<void(std::string_view line)> log;
  /// Why requests should go elsewhere for now; empty: ready. For /readyz.
  std::function<std::string()> ready;
  /// Prometheus text to stand behind the server's own in /metrics.
  std::function<std::string()> more_metrics;
};

/// An HTTP/1.1 server that strangers may reach: see docs/serve.md for what it refuses and why.
/// /healthz, /readyz and /metrics are its own; the console is what no route takes.
class Server {
 public:
  /// Listens when it returns. Refuses an address that others can reach where nothing says who may
  /// ask (check_exposure), files that cannot be read, and a port that is taken.
  static Result<std::unique_ptr<Server>> start(Options options, std::vector<Route> routes);
  ~Server();  // as stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const;  // the one chosen, where port 0 was asked for
  std::string url() const;     // "http://127.0.0.1:8080"
  std::size_t connections() const;

  /// /readyz says no from now on; requests are still taken, so that whoever balances load has time
  /// to look.
  void unready();
  /// No new connections; idle ones are closed, requests under way are answered, event streams end.
  /// False: some were still at it after `patience`.
  bool drain(std::chrono::milliseconds patience);
  /// At once. No route is called any more when it returns; a Reply held elsewhere answers nobody.
  void stop();

 private:
  class State;
  explicit Server(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace kneepoint::httpd
