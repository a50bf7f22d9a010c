#include "http/server.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/beast/http/status.hpp>
#include <cerrno>
#include <cstring>

#include "http/stamped_read.h"

namespace kneepoint::http {
namespace {

constexpr std::size_t kReadSize = std::size_t{64} << 10;
constexpr std::size_t kMostPending = std::size_t{1} << 20;
constexpr int kBacklog = 65535;  // the kernel takes it down to net.core.somaxconn
constexpr int kAcceptAtOnce = 256;
constexpr Nanos kRound = std::chrono::seconds(1);
constexpr Nanos kGoodbye = std::chrono::seconds(2);

void set_option(int socket, int level, int name, int value) {
  setsockopt(socket, level, name, &value, sizeof value);
}

struct Bound {
  int socket = -1;
  std::uint16_t port = 0;
  bool is_v6 = false;
};

Result<Bound> bind_to(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int wrong = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (wrong != 0) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("no address to listen on for \"{}\": {}", host, gai_strerror(wrong)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, freeaddrinfo);
  Bound bound;
  bound.is_v6 = found->ai_family == AF_INET6;
  bound.socket = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bound.socket < 0) {
    return fail(ErrorCode::Unavailable, fmt::format("open a socket: {}", strerror(errno)));
  }
  set_option(bound.socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (bind(bound.socket, found->ai_addr, found->ai_addrlen) != 0) {
    const int reason = errno;
    close(bound.socket);
    if (reason == EADDRINUSE) {
      return fail(ErrorCode::Conflict,
                  fmt::format("port {} of {} is taken by another program; pick another --port, or "
                              "0 for any that is free",
                              port, host));
    }
    return fail(ErrorCode::Unavailable,
                fmt::format("listen on {} port {}: {}", host, port, strerror(reason)));
  }
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  getsockname(bound.socket, reinterpret_cast<sockaddr*>(&address), &size);
  bound.port = ntohs(bound.is_v6 ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                                 : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  return bound;
}

}  // namespace

std::string_view status_text(int status) {
  const auto text = boost::beast::http::obsolete_reason(
      boost::beast::http::int_to_status(static_cast<unsigned>(status)));
  return {text.data(), text.size()};
}

// --- One client ---

ServerConnection::ServerConnection(Server& server, int socket)
    : server_(server), socket_(socket), parser_(server.options_.limits) {}

ServerConnection::~ServerConnection() {
  if (socket_ >= 0) ::close(socket_);
}

void ServerConnection::on_ready(Ready ready) {
  if (ready.writable && !over_) write_rest();
  if (ready.readable && !over_) read_more();
}

void ServerConnection::read_more() {
  while (!over_) {
    const StampedRead read = stamped_read(socket_, server_.buffer_);
    if (read.count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) lost();
      return;
    }
    if (read.count == 0) {
      lost();
      return;
    }
    if (!closing_) {
      const Time now = server_.loop_.now();
      received_ = now;
      if (read.realtime) {
        // The kernel's time on the loop's clock; the wall clock may have been set meanwhile.
        const Time at{*read.realtime - server_.loop_.realtime_ahead()};
        if (at <= now && now - at < std::chrono::seconds(1)) received_ = at;
      }
      take({server_.buffer_.data(), static_cast<std::size_t>(read.count)});
    }
    if (static_cast<std::size_t>(read.count) < server_.buffer_.size()) return;
  }
}

void ServerConnection::take(std::string_view bytes) {
  if (busy_) {  // sent ahead: waits for its turn
    if (pending_.size() + bytes.size() > kMostPending) {
      lost();
      return;
    }
    pending_ += bytes;
    return;
  }
  if (!parser_.started()) quiet_since_ = server_.loop_.now();
  const bool had_head = parser_.head_done();
  const auto used = parser_.feed(bytes);
  if (!used) {
    busy_ = true;
    respond(parser_.refusal_status(), "text/plain; charset=utf-8", used.error().message + "\n",
            "Connection: close\r\n");
    if (!over_) say_goodbye();
    return;
  }
  if (!parser_.done()) {
    if (!had_head && parser_.head_done() && parser_.head().expects_continue) {
      write("HTTP/1.1 100 Continue\r\n\r\n");
    }
    return;
  }
  pending_ = bytes.substr(*used);
  busy_ = true;
  answered_ = false;
  ++server_.stats_.requests;
  server_.handler_.on_request(*this);
}

void ServerConnection::respond(int status, std::string_view content_type, std::string_view body,
                               std::string_view fields) {
  std::string& text = server_.scratch_;
  text.clear();
  fmt::format_to(std::back_inserter(text),
                 "HTTP/1.1 {} {}\r\nServer: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n",
                 status, status_text(status), server_.options_.name, content_type, body.size(),
                 fields);
  if (head().method != "HEAD") text += body;
  answered_ = true;
  if (write(text)) finish();
}

void ServerConnection::start_chunks(int status, std::string_view content_type,
                                    std::string_view fields) {
  std::string& text = server_.scratch_;
  text.clear();
  fmt::format_to(
      std::back_inserter(text),
      "HTTP/1.1 {} {}\r\nServer: {}\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\n{}\r\n",
      status, status_text(status), server_.options_.name, content_type, fields);
  answered_ = true;
  write(text);
}

bool ServerConnection::write(std::string_view bytes) {
  if (broken_ || over_) return false;
  if (!unsent_.empty()) {
    keep_for_later(bytes);
    return !broken_;
  }
  ++server_.stats_.sends;
  ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (count == static_cast<ssize_t>(bytes.size())) return true;
  if (count < 0) {
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
      broken_ = true;
      server_.defer([this] { lost(); });
      return false;
    }
    count = 0;
  }
  keep_for_later(bytes.substr(static_cast<std::size_t>(count)));
  return !broken_;
}

void ServerConnection::keep_for_later(std::string_view bytes) {
  // One write of any size is taken; what may not grow is what piles up behind it.
  if (!unsent_.empty() && unsent_.size() - sent_ + bytes.size() > server_.options_.unsent) {
    broken_ = true;
    server_.defer([this] { lost(); });
    return;
  }
  if (unsent_.empty()) server_.loop_.want_writable(watch_, true);
  unsent_ += bytes;
}

void ServerConnection::write_rest() {
  while (sent_ < unsent_.size()) {
    ++server_.stats_.sends;
    const ssize_t count = ::send(socket_, unsent_.data() + sent_, unsent_.size() - sent_,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) lost();
      return;
    }
    sent_ += static_cast<std::size_t>(count);
  }
  unsent_.clear();
  sent_ = 0;
  server_.loop_.want_writable(watch_, false);
  if (closing_) ::shutdown(socket_, SHUT_WR);
}

void ServerConnection::finish(bool keep) {
  if (broken_ || over_ || !busy_) return;
  busy_ = false;
  if (!keep || !parser_.head().keep_alive) {
    say_goodbye();
    return;
  }
  parser_.start();
  quiet_since_ = server_.loop_.now();
  if (pending_.empty()) return;
  server_.defer([this] {
    if (over_ || busy_ || pending_.empty()) return;
    const std::string bytes = std::move(pending_);
    pending_.clear();
    take(bytes);
  });
}

/// Closing with bytes unread would make the kernel send a reset, which can overtake the answer.
void ServerConnection::say_goodbye() {
  busy_ = false;
  closing_ = true;
  quiet_since_ = server_.loop_.now();
  if (unsent_.empty()) ::shutdown(socket_, SHUT_WR);
}

void ServerConnection::close() {
  if (over_) return;
  busy_ = false;
  server_.drop(*this);
}

void ServerConnection::reset() {
  if (over_) return;
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close();
}

void ServerConnection::lost() {
  if (over_) return;
  const bool was_busy = busy_;
  busy_ = false;
  broken_ = true;
  if (was_busy) server_.handler_.on_gone(*this);
  if (!over_) server_.drop(*this);
}

// --- All of them ---

class Server::Door final : public Watcher {
 public:
  Door(Server& server, int socket) : server_(server), socket_(socket) {}
  ~Door() {
    shut();
    if (socket_ >= 0) ::close(socket_);
  }
  void on_ready(Ready) override { server_.accept_some(); }

  Result<void> open() {
    const auto watch = server_.loop_.watch(socket_, *this, false);
    if (!watch) return fail(watch.error());
    watch_ = *watch;
    is_open_ = true;
    return {};
  }
  void shut() {
    if (is_open_) server_.loop_.unwatch(watch_);
    is_open_ = false;
  }
  bool is_open() const { return is_open_; }
  int socket() const { return socket_; }

 private:
  Server& server_;
  int socket_;
  Loop::WatchId watch_ = 0;
  bool is_open_ = false;
};

Server::Server(Loop& loop, ServerOptions options, ServerHandler& handler)
    : loop_(loop), options_(std::move(options)), handler_(handler), buffer_(kReadSize) {}

Server::~Server() {
  loop_.cancel(round_);
  for (const auto& connection : connections_) {
    if (!connection->over_) loop_.unwatch(connection->watch_);
  }
}

Result<std::unique_ptr<Server>> Server::listen(Loop& loop, ServerOptions options,
                                               ServerHandler& handler) {
  const auto bound = bind_to(options.host, options.port);
  if (!bound) return fail(bound.error());
  std::unique_ptr<Server> server(new Server(loop, std::move(options), handler));
  server->door_ = std::make_unique<Door>(*server, bound->socket);
  server->port_ = bound->port;
  server->is_v6_ = bound->is_v6;
  if (server->options_.accept) {
    if (::listen(bound->socket, kBacklog) != 0) {
      return fail(errno == EADDRINUSE ? ErrorCode::Conflict : ErrorCode::Unavailable,
                  fmt::format("listen on port {}: {}", bound->port, strerror(errno)));
    }
    if (auto opened = server->door_->open(); !opened) return fail(opened.error());
  }
  server->look_around();
  return server;
}

std::string Server::url() const {
  const std::string& host = options_.host;
  return is_v6_ && host.find(':') != std::string::npos ? fmt::format("http://[{}]:{}", host, port_)
                                                       : fmt::format("http://{}:{}", host, port_);
}

void Server::accept_some() {
  for (int i = 0; i < kAcceptAtOnce && door_->is_open(); ++i) {
    const int socket = accept4(door_->socket(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        door_->shut();  // until look_around(): some may be free by then
      }
      return;
    }
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    enable_receive_stamps(socket);
    ++stats_.connections;
    std::unique_ptr<ServerConnection> owned(new ServerConnection(*this, socket));
    if (!handler_.on_connection()) {
      const linger now{.l_onoff = 1, .l_linger = 0};
      setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      continue;
    }
    const auto watch = loop_.watch(socket, *owned, false);
    if (!watch) continue;
    owned->watch_ = *watch;
    owned->place_ = connections_.size();
    owned->quiet_since_ = loop_.now();
    connections_.push_back(std::move(owned));
  }
}

void Server::drop(ServerConnection& connection) {
  if (connection.over_) return;
  connection.over_ = true;
  loop_.unwatch(connection.watch_);
  ::close(connection.socket_);
  connection.socket_ = -1;
  const std::size_t place = connection.place_;
  // Destroyed after what was deferred on its behalf before now; later there is nothing.
  dropped_.push_back(std::move(connections_[place]));
  defer([this] { dropped_.pop_front(); });
  if (place + 1 < connections_.size()) {
    connections_[place] = std::move(connections_.back());
    connections_[place]->place_ = place;
  }
  connections_.pop_back();
}

/// Once a second: who is idle for too long, who never finishes a request, who does not go. And lets
/// connections in again after the descriptors ran out.
void Server::look_around() {
  const Time now = loop_.now();
  for (std::size_t i = connections_.size(); i-- > 0;) {
    ServerConnection& c = *connections_[i];
    const Nanos quiet = now - c.quiet_since_;
    if (c.busy_) continue;
    const bool too_long = c.closing_                  ? quiet > kGoodbye && c.unsent_.empty()
                          : c.parser_.started()       ? quiet > options_.slow_request
                          : options_.idle.count() > 0 ? quiet > options_.idle
                                                      : false;
    if (too_long) drop(c);
  }
  if (options_.accept && door_->socket() >= 0 && !door_->is_open()) {
    static_cast<void>(door_->open());
  }
  round_ = loop_.at(now + kRound, [this] { look_around(); });
}

void Server::defer(std::function<void()> task) {
  loop_.defer([alive = std::weak_ptr(alive_), task = std::move(task)] {
    if (!alive.expired()) task();
  });
}

void Server::die() {
  options_.accept = false;
  door_.reset(new Door(*this, -1));
  while (!connections_.empty()) connections_.back()->reset();
}

}  // namespace kneepoint::http
