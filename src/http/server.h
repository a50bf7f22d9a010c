#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/loop.h"
#include "http/request_parser.h"

namespace kneepoint::http {

class Server;

/// One client of a Server, and its request under way. Answers are written by whoever holds the
/// reference, until finish(), close(), reset() or the handler's on_gone().
class ServerConnection final : public Watcher {
 public:
  const RequestHead& head() const { return parser_.head(); }
  /// Until finish(). May be read kPadding bytes past its end.
  const std::string& body() const { return parser_.body(); }
  /// When the last packet of the request came in, by the kernel where it tells.
  Time received() const { return received_; }

  /// A whole answer. `fields` are lines with their CRLF. Then as finish().
  void respond(int status, std::string_view content_type, std::string_view body,
               std::string_view fields = {});
  /// The head of an answer in chunks; write() takes the chunks as they go over the wire.
  void start_chunks(int status, std::string_view content_type, std::string_view fields = {});
  /// One send() when the kernel has room; the rest is kept and sent when it has. False when the
  /// client is gone, or reads so slowly that more is waiting for it than the server keeps;
  /// on_gone() then comes at the end of the loop's turn.
  bool write(std::string_view bytes);
  /// The answer is whole: the next request may come, or the connection is closed if the client, or
  /// `keep`, says so.
  void finish(bool keep = true);
  void close();                                // at once, in the middle of whatever is being said
  void reset();                                // the same, rudely: the client sees a reset
  bool answered() const { return answered_; }  // a head was written

  std::uint64_t tag = 0;  // the handler's own

  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

 private:
  friend class Server;
  ServerConnection(Server& server, int socket);
  void on_ready(Ready ready) override;
  void read_more();
  void take(std::string_view bytes);
  void write_rest();
  void keep_for_later(std::string_view bytes);
  void say_goodbye();
  void lost();

  Server& server_;
  int socket_;
  Loop::WatchId watch_ = 0;
  std::size_t place_ = 0;  // among the server's
  RequestParser parser_;
  std::string pending_;  // bytes of requests to come
  std::string unsent_;
  std::size_t sent_ = 0;  // of unsent_
  Time received_{};
  Time quiet_since_{};
  bool busy_ = false;  // a request is under way
  bool answered_ = false;
  bool closing_ = false;  // nothing more will be written; waits for the client to close
  bool broken_ = false;
  bool over_ = false;
};

/// What a server's requests are given to, in the loop's thread.
class ServerHandler {
 public:
  /// False resets the connection before a word was spoken.
  virtual bool on_connection() { return true; }
  virtual void on_request(ServerConnection& connection) = 0;
  /// The client left, or could not be written to, before the answer was whole.
  virtual void on_gone(ServerConnection& connection) = 0;

 protected:
  ~ServerHandler() = default;
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any that is free
  RequestLimits limits;
  Nanos idle{0};                                  // a kept connection is closed after this; 0 never
  Nanos slow_request = std::chrono::seconds(60);  // from a request's first byte to its last
  std::size_t unsent = std::size_t{4} << 20;      // bytes kept for a client that reads slowly
  std::string name = "kneepoint";                 // the Server field
  bool accept = true;  // false: the port is taken but connections are refused
};

struct ServerStats {
  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t sends = 0;
};

/// HTTP/1.1 over one loop: keep-alive, one request at a time per connection (what a client sends
/// ahead waits for its turn). Belongs to the loop's thread.
class Server {
 public:
  /// The error says when the port is taken.
  static Result<std::unique_ptr<Server>> listen(Loop& loop, ServerOptions options,
                                                ServerHandler& handler);
  ~Server();  // open connections are closed; no more calls to the handler
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url() const;
  std::size_t connections() const { return connections_.size(); }
  const ServerStats& stats() const { return stats_; }
  /// As a process that dies: every connection is reset, no more are accepted.
  void die();

 private:
  friend class ServerConnection;
  class Door;
  Server(Loop& loop, ServerOptions options, ServerHandler& handler);
  void accept_some();
  void drop(ServerConnection& connection);
  void look_around();
  void defer(std::function<void()> task);

  Loop& loop_;
  ServerOptions options_;
  ServerHandler& handler_;
  ServerStats stats_;
  std::unique_ptr<Door> door_;
  std::uint16_t port_ = 0;
  bool is_v6_ = false;
  std::vector<std::unique_ptr<ServerConnection>> connections_;
  std::deque<std::unique_ptr<ServerConnection>> dropped_;  // until the end of the turn
  std::vector<char> buffer_;
  std::string scratch_;
  Loop::TimerId round_ = 0;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

/// The reason phrase of a status: "Not Found".
std::string_view status_text(int status);

}  // namespace kneepoint::http
