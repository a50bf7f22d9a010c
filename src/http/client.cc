#include "http/client.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <unordered_map>

#include "base/text.h"
#include "http/stamped_read.h"

namespace kneepoint::http {
namespace {

constexpr std::size_t kReadSize = std::size_t{64} << 10;
constexpr const char* kClosed = "the server closed the connection";

bool is_plain(std::string_view text, bool blanks) {
  return std::all_of(text.begin(), text.end(), [blanks](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' ? byte != 0x7f : blanks && (c == ' ' || c == '\t');
  });
}

/// Words of the server, for an error.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 40));
  std::replace_if(out.begin(), out.end(), [](char c) { return !is_plain({&c, 1}, true); }, '?');
  return out;
}

/// The head of a request as an http proxy wants it: the whole address for a path, and who asks.
std::string for_proxy(std::string_view wire, const Url& url, const std::string& authorization) {
  const std::size_t path = wire.find(' ') + 1;
  const std::size_t fields = wire.find("\r\n") + 2;
  std::string out;
  out.reserve(wire.size() + 256);
  out += wire.substr(0, path);
  out += "http://" + url.authority();
  out += wire.substr(path, fields - path);
  if (!authorization.empty()) out += "Proxy-Authorization: " + authorization + "\r\n";
  out += wire.substr(fields);
  return out;
}

/// Asks a proxy for a tunnel to a server.
std::string tunnel_request(const Url& url, const std::string& authorization) {
  const bool bare = url.host.find(':') == std::string::npos;
  const std::string place =
      fmt::format("{}{}{}:{}", bare ? "" : "[", url.host, bare ? "" : "]", url.port);
  std::string out = fmt::format("CONNECT {} HTTP/1.1\r\nHost: {}\r\n", place, place);
  if (!authorization.empty()) out += "Proxy-Authorization: " + authorization + "\r\n";
  return out + "\r\n";
}

/// What a proxy said to that.
struct TunnelAnswer final : ResponseReader {
  void on_head(const ResponseHead& head) override { status = head.status; }
  void on_body(std::string_view) override {}
  int status = 0;
};

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::Complete:
      return "complete";
    case Outcome::NotConnected:
      return "not connected";
    case Outcome::TimedOut:
      return "timed out";
    case Outcome::Cut:
      return "cut";
    case Outcome::NotHttp:
      return "not HTTP";
    case Outcome::Cancelled:
      return "cancelled";
  }
  return "?";
}

Result<std::string> to_wire(const Url& url, const Request& request) {
  const auto refuse = [](std::string_view what) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("request: a {} cannot be empty or hold control characters", what));
  };
  if (request.method.empty() || !is_plain(request.method, false)) return refuse("method");
  if (!request.path.starts_with('/') || !is_plain(request.path, false)) return refuse("path");
  bool says_encoding = false;
  std::string wire =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.path, url.authority());
  for (const auto& [field, value] : request.fields) {
    if (field.empty() || !is_plain(field, false) || field.find(':') != std::string::npos) {
      return refuse("field's name");
    }
    // The value may be a key, and is not repeated.
    if (!is_plain(value, true)) return refuse("field's value");
    wire += fmt::format("{}: {}\r\n", field, value);
    says_encoding = says_encoding || lower(field) == "accept-encoding";
  }
  if (!says_encoding) wire += "Accept-Encoding: identity\r\n";
  if (!request.body.empty() || request.method == "POST") {
    wire += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  wire += "\r\n";
  wire += request.body;
  return wire;
}

/// All connections of a client. A connection that is over is taken out of the table at once and
/// destroyed at the end of the turn: it may be in the middle of telling somebody something.
class Client::Pool {
 public:
  Pool(Loop& loop, Endpoint endpoint, ClientOptions options)
      : loop_(loop), endpoint_(std::move(endpoint)), options_(options), buffer_(kReadSize) {
    if (endpoint_.tls) plain_.resize(kReadSize);
    if (endpoint_.proxy) proxy_authorization_ = endpoint_.proxy->authorization();
  }

  /// Requests go to a proxy that passes them on one by one.
  bool forwards() const { return endpoint_.proxy && !endpoint_.tls; }
  const Url& next_hop() const { return endpoint_.proxy ? endpoint_.proxy->url : endpoint_.url; }

  class Connection;

  /// One request, which may see two connections.
  struct Job {
    RequestId id = 0;
    std::string wire;
    Exchange* exchange = nullptr;
    Patience patience;
    Ending ending;
    Connection* connection = nullptr;
    bool cancelled = false;
  };

  void warm(std::size_t count, std::function<void(const Warmed&)> then);
  RequestId send(std::string wire, Exchange& exchange, const Patience& patience);
  void cancel(RequestId request);
  void start(Job& job, bool fresh);
  void end(Job& job, Outcome outcome, std::string reason);
  void drop(Connection& connection);
  Connection* take_idle();

  Loop& loop_;
  Endpoint endpoint_;
  ClientOptions options_;
  ClientStats stats_;
  std::vector<char> buffer_;
  std::vector<char> plain_;          // what TLS makes of it
  std::string proxy_authorization_;  // a secret
  std::optional<TlsFacts> tls_facts_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;  // the last used is the first taken
  std::unordered_map<RequestId, std::unique_ptr<Job>> jobs_;
  RequestId next_ = 1;
  // Tasks left with the loop hold this weakly, and do nothing once the client is gone.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  void defer(Loop::Task task) {
    loop_.defer([alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
      if (!alive.expired()) task();
    });
  }
};

class Client::Pool::Connection final : public Watcher, public ResponseReader {
 public:
  using Opened = std::function<void(Outcome, std::string_view reason)>;  // Complete: it is open

  explicit Connection(Pool& pool) : pool_(pool) {}
  /// When it is over, the pool may be gone already.
  ~Connection() {
    if (!over_) make_over();
  }

  /// Tries the server's addresses one after another. `opened` is told later, never from in here.
  void open(Opened opened, Nanos patience) {
    opened_ = std::move(opened);
    ++pool_.stats_.connections;
    wait_at_most(patience, "to connect");
    if (!try_next_address()) {
      pool_.defer([this] {
        if (!over_) tell_opened(Outcome::NotConnected, why_);
      });
    }
  }

  void serve(Job& job) {
    job_ = &job;
    job.connection = this;
    job.ending.reused = served_ > 0;
    job.ending.connected = pool_.loop_.now();
    parser_.start(job.wire.starts_with("HEAD "));
    compressed_.clear();
    garbled_ = false;
    last_.at = *job.ending.connected;
    wait_at_most(job.patience.first_byte, "for the first byte");
    if (tls_ == nullptr) {
      written_ = 0;
    } else if (const auto ok = tls_->write(job.wire); !ok) {
      why_ = ok.error().message;
      read_later();
      return;
    }
    write_more();
  }

  /// Whether the server has closed a kept connection, or sent what nobody asked for.
  bool is_quiet() {
    if (tls_ != nullptr) return is_quiet_in_tls();
    char byte = 0;
    return recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
  }

  /// No more calls to anybody; the pool destroys it later.
  void make_over() {
    over_ = true;
    job_ = nullptr;
    stop_waiting();
    close_socket();
  }

  void on_ready(Ready ready) override {
    if (stage_ == Stage::Connecting) {
      finish_connecting();
      return;
    }
    if (job_ != nullptr) __builtin_prefetch(job_);
    if (ready.writable && (job_ != nullptr || tls_ != nullptr || stage_ == Stage::Tunnel))
      write_more();
    if (ready.readable && !over_) read_more(ready.ended);
  }

  void on_head(const ResponseHead& head) override {
    keep_alive_ = head.keep_alive;
    if (const auto encoding = head.find("content-encoding");
        encoding && !trim(*encoding).empty() && lower(trim(*encoding)) != "identity") {
      compressed_ = *encoding;
    }
    if (job_ == nullptr) return;
    job_->ending.status = head.status;
    job_->exchange->on_head(head, last_);
  }

  void on_body(std::string_view bytes) override {
    if (!compressed_.empty()) {
      garbled_ = true;
    } else if (job_ != nullptr) {
      job_->exchange->on_body(bytes, last_);
    }
  }

 private:
  bool try_next_address() {
    while (next_address_ < pool_.endpoint_.addresses.size()) {
      const Endpoint::Address& address = pool_.endpoint_.addresses[next_address_++];
      close_socket();
      stage_ = Stage::Connecting;
      socket_ = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      if (socket_ < 0) {
        why_ = fmt::format("open a socket: {}", strerror(errno));
        continue;
      }
      const int on = 1;
      setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      enable_receive_stamps(socket_);
      if (connect(socket_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) !=
              0 &&
          errno != EINPROGRESS) {
        why_ = fmt::format("connect to {}: {}", pool_.next_hop().authority(), strerror(errno));
        continue;
      }
      const auto watch = pool_.loop_.watch(socket_, *this, true);
      if (!watch) {
        why_ = watch.error().message;
        continue;
      }
      watch_ = *watch;
      return true;
    }
    close_socket();
    return false;
  }

  void finish_connecting() {
    int wrong = 0;
    socklen_t size = sizeof wrong;
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &wrong, &size);
    if (wrong == 0) {
      pool_.loop_.want_writable(*watch_, false);
      waits_for_room_ = false;
      pool_.loop_.tell_once(*watch_);
      if (pool_.endpoint_.tls == nullptr) {
        be_open();
      } else if (pool_.endpoint_.proxy) {
        stage_ = Stage::Tunnel;
        waits_for_ = "for the proxy to answer";
        parser_.start(true);  // of an answer to CONNECT only the head counts
        opening_ = tunnel_request(pool_.endpoint_.url, pool_.proxy_authorization_);
        write_more();
      } else {
        start_tls();
      }
      return;
    }
    why_ = fmt::format("connect to {}: {}", pool_.next_hop().authority(), strerror(wrong));
    if (!try_next_address()) tell_opened(Outcome::NotConnected, why_);
  }

  void be_open() {
    stage_ = Stage::Open;
    stop_waiting();
    tell_opened(Outcome::Complete, {});
  }

  /// Of the proxy's answer; what comes after its head is the server's already.
  void take_tunnel(std::string_view bytes) {
    TunnelAnswer answer;
    const auto used = parser_.feed(bytes, answer);
    const std::string proxy = pool_.next_hop().authority();
    if (!used) {
      not_opened(fmt::format("proxy {}: {}", proxy, used.error().message));
    } else if (!parser_.done()) {
      return;
    } else if (answer.status == 407) {
      not_opened(fmt::format("proxy {} wants {} user and password (status 407)", proxy,
                             pool_.proxy_authorization_.empty() ? "a" : "another"));
    } else if (answer.status / 100 != 2) {
      not_opened(fmt::format("proxy {} gives no way to {}: status {}", proxy,
                             pool_.endpoint_.url.authority(), answer.status));
    } else {
      start_tls();
      if (!over_ && *used < bytes.size()) take_sealed(bytes.substr(*used), last_);
    }
  }

  void start_tls() {
    auto session = pool_.endpoint_.tls->start();
    if (!session) {
      not_opened(session.error().message);
      return;
    }
    tls_ = std::move(*session);
    written_ = 0;
    stage_ = Stage::Handshake;
    waits_for_ = "for the TLS handshake";
    shake_hands();
  }

  void shake_hands() {
    const auto done = tls_->shake_hands();
    write_more();
    if (!done) {
      not_opened(done.error().message);
    } else if (*done) {
      pool_.tls_facts_ = tls_->facts();
      pool_.stats_.tls_resumed += pool_.tls_facts_->resumed ? 1 : 0;
      be_open();
    }
  }

  /// Never from inside open().
  void not_opened(std::string reason) { tell_opened(Outcome::NotConnected, std::move(reason)); }

  /// Last thing a function does: the connection may be over afterwards.
  void tell_opened(Outcome outcome, std::string reason) {
    const Opened opened = std::exchange(opened_, nullptr);
    opened(outcome, reason);
  }

  /// What is on its way to the socket: a request as it stands, or what TLS made of it and adds.
  std::string& pending() {
    if (tls_ != nullptr) return tls_->outgoing();
    return job_ != nullptr ? job_->wire : opening_;
  }

  void write_more() {
    std::string& wire = pending();
    while (written_ < wire.size()) {
      const ssize_t count = ::send(socket_, wire.data() + written_, wire.size() - written_,
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count >= 0) {
        written_ += static_cast<std::size_t>(count);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!waits_for_room_) pool_.loop_.want_writable(*watch_, waits_for_room_ = true);
        return;
      }
      // Gone, or refusing the rest with an answer that is still to be read.
      why_ = fmt::format("send: {}", strerror(errno));
      pool_.loop_.want_writable(*watch_, waits_for_room_ = false);
      if (job_ != nullptr) read_later();
      written_ = wire.size();
      return;
    }
    if (tls_ != nullptr) {
      wire.clear();
      written_ = 0;
    }
    if (waits_for_room_) pool_.loop_.want_writable(*watch_, waits_for_room_ = false);
    if (job_ != nullptr && !job_->ending.sent) {
      job_->ending.sent = pool_.loop_.now();
      if (!parser_.started()) wait_at_most(job_->patience.first_byte, "for the first byte");
    }
  }

  /// After a write that failed: what there still is to read, and then the end.
  void read_later() {
    pool_.defer([this, job = job_->id] {
      if (!over_ && job_ != nullptr && job_->id == job) read_more(true);
      if (!over_ && job_ != nullptr && job_->id == job) lost(why_);
    });
  }

  /// Less than the buffer holds was all there is, unless the end lies behind it.
  void read_more(bool to_the_end) {
    while (!over_) {
      const StampedRead read = stamped_read(socket_, pool_.buffer_);
      if (read.count < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) lost(fmt::format("read: {}", strerror(errno)));
        return;
      }
      if (read.count == 0) {
        lost(kClosed);
        return;
      }
      const std::string_view bytes(pool_.buffer_.data(), static_cast<std::size_t>(read.count));
      const Stamp stamp = stamp_of(read);
      if (tls_ != nullptr) {
        take_sealed(bytes, stamp);
      } else if (stage_ == Stage::Tunnel) {
        last_ = stamp;
        take_tunnel(bytes);
      } else {
        take(bytes, stamp);
      }
      if (static_cast<std::size_t>(read.count) < pool_.buffer_.size() && !to_the_end) return;
    }
  }

  /// The kernel's time on the loop's clock. It cannot lie before what was read last nor after now;
  /// where it does, because the wall clock was set meanwhile, now is the better answer.
  Stamp stamp_of(const StampedRead& read) {
    ++pool_.stats_.reads;
    if (!read.realtime) return {pool_.loop_.now(), false};
    constexpr Nanos kClocksDrift = std::chrono::microseconds(50);
    const Time at{*read.realtime - pool_.loop_.realtime_ahead()};
    const Time now = at <= pool_.loop_.lately() ? pool_.loop_.lately() : pool_.loop_.now();
    if (at < last_.at - kClocksDrift || at > now + kClocksDrift) return {now, false};
    ++pool_.stats_.kernel_stamps;
    return {std::clamp(at, std::min(last_.at, now), now), true};
  }

  /// The stamp of a read goes to all that came out of it.
  void take_sealed(std::string_view bytes, Stamp stamp) {
    if (const auto ok = tls_->take(bytes); !ok) {
      broken(ok.error().message);
      return;
    }
    if (stage_ == Stage::Handshake) shake_hands();
    while (!over_ && stage_ == Stage::Open) {
      const auto count = tls_->read(pool_.plain_);
      if (!count) {
        broken(count.error().message);
        return;
      }
      if (*count == 0) break;
      take({pool_.plain_.data(), *count}, stamp);
    }
    if (over_) return;
    if (!tls_->outgoing().empty()) write_more();  // an answer of TLS itself
    if (tls_->closed()) lost(kClosed);
  }

  /// TLS came to an end that no later byte can mend.
  void broken(std::string reason) {
    if (opened_) {
      not_opened(std::move(reason));
    } else if (job_ == nullptr) {
      pool_.drop(*this);
    } else if (!job_->ending.first_byte) {
      // In TLS 1.3 a server looks at the client's certificate when the client has begun to speak.
      finish(Outcome::NotConnected, std::move(reason), false);
    } else {
      finish(Outcome::Cut, std::move(reason), false);
    }
  }

  /// A kept TLS connection may have got tickets meanwhile, which are nobody's answer.
  bool is_quiet_in_tls() {
    std::array<char, 4096> bytes{};
    while (true) {
      const ssize_t count = recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (count < 0 && errno == EINTR) continue;
      const bool none = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
      if (!none && (count <= 0 || !tls_->take({bytes.data(), static_cast<std::size_t>(count)}))) {
        return false;
      }
      char plain = 0;
      const auto read = tls_->read({&plain, 1});
      if (!read || *read != 0 || tls_->closed()) return false;
      if (none) return tls_->outgoing().empty();
    }
  }

  void take(std::string_view bytes, Stamp stamp) {
    last_ = stamp;
    if (job_ == nullptr) {  // kept, and the server speaks unasked
      pool_.drop(*this);
      return;
    }
    if (!job_->ending.first_byte) job_->ending.first_byte = stamp;
    job_->ending.last_byte = stamp;
    wait_at_most(job_->patience.silence, "for more of the answer", stamp.at);
    const auto used = parser_.feed(bytes, *this);
    if (job_ == nullptr) return;  // cancelled by who was told
    if (garbled_) {
      finish(Outcome::NotHttp,
             fmt::format("the answer is compressed ({}) though it was asked for plain: turn that "
                         "off at the server or gateway",
                         shown(compressed_)),
             false);
    } else if (!used) {
      finish(Outcome::NotHttp, used.error().message, false);
    } else if (parser_.done()) {
      // An answer before the whole request was taken leaves a connection nobody can use again.
      const bool whole = *used == bytes.size() && job_->ending.sent.has_value();
      finish(Outcome::Complete, {}, keep_alive_ && whole);
    }
  }

  void lost(std::string reason) {
    if (opened_) {
      not_opened(lost_while_opening(reason));
      return;
    }
    if (job_ == nullptr) {
      pool_.drop(*this);
      return;
    }
    const auto closed = parser_.closed();
    if (closed && tls_ != nullptr && !tls_->closed()) {
      // Whoever stands between can close a connection, but not say so in TLS.
      finish(Outcome::Cut,
             "the connection was closed without the word that ends TLS (" + reason +
                 "): nobody knows whether the answer was whole",
             false);
    } else if (closed) {
      finish(Outcome::Complete, {}, false);
    } else if (!parser_.started() && served_ > 0 && pool_.options_.resend_when_closed &&
               !job_->ending.resent) {
      Job& job = *std::exchange(job_, nullptr);
      job.connection = nullptr;
      job.ending.resent = true;
      job.ending.connected.reset();
      job.ending.sent.reset();
      Pool& pool = pool_;
      pool.drop(*this);
      pool.start(job, true);
    } else {
      finish(Outcome::Cut, fmt::format("{} ({})", closed.error().message, reason), false);
    }
  }

  std::string lost_while_opening(std::string_view reason) const {
    if (stage_ == Stage::Tunnel) {
      return fmt::format("proxy {}: {}", pool_.next_hop().authority(), reason);
    }
    return fmt::format("TLS with {}: {} in the handshake: does it speak https?",
                       pool_.endpoint_.url.authority(), reason);
  }

  void finish(Outcome outcome, std::string reason, bool keep) {
    Job& job = *std::exchange(job_, nullptr);
    Pool& pool = pool_;
    ++served_;
    if (keep) {
      stop_waiting();
      pool_.idle_.push_back(this);
    } else {
      pool_.drop(*this);
    }
    pool.end(job, outcome, std::move(reason));
  }

  /// Moves the end of patience. The loop's timer is left where it is while that is no later, so
  /// that an answer of a thousand events sets a few timers, not a thousand.
  void wait_at_most(Nanos patience, std::string_view what) {
    wait_at_most(patience, what, pool_.loop_.now());
  }
  void wait_at_most(Nanos patience, std::string_view what, Time now) {
    Time until = patience.count() > 0 ? now + patience : Time::max();
    waits_for_ = what;
    if (job_ != nullptr && job_->patience.whole.count() > 0) {
      const Time whole = job_->ending.asked + job_->patience.whole;
      if (whole < until) {
        until = whole;
        waits_for_ = "for the whole answer";
      }
    }
    until_ = until;
    if (until == Time::max()) return;
    if (timer_is_set_ && timer_at_ <= until) return;
    stop_waiting();
    until_ = until;
    set_timer();
  }

  void stop_waiting() {
    pool_.loop_.cancel(timer_);
    timer_is_set_ = false;
    until_ = Time::max();
  }

  void set_timer() {
    timer_is_set_ = true;
    timer_at_ = until_;
    timer_ = pool_.loop_.at(timer_at_, [this] {
      timer_is_set_ = false;
      if (until_ == Time::max() || (job_ == nullptr && !opened_)) return;
      if (pool_.loop_.now() < until_) {
        set_timer();
        return;
      }
      const std::string reason = fmt::format("waited too long {}", waits_for_);
      if (opened_) {
        tell_opened(Outcome::TimedOut, reason);
      } else {
        finish(Outcome::TimedOut, reason, false);
      }
    });
  }

  void close_socket() {
    if (watch_) pool_.loop_.unwatch(*watch_);
    watch_.reset();
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }

  enum class Stage { Connecting, Tunnel, Handshake, Open };

  Pool& pool_;
  int socket_ = -1;
  Stage stage_ = Stage::Connecting;
  std::unique_ptr<TlsSession> tls_;  // of an https server, once the socket is connected
  std::string opening_;              // what is said to a proxy first
  std::optional<Loop::WatchId> watch_;
  std::size_t next_address_ = 0;
  Opened opened_;  // set while connecting
  Job* job_ = nullptr;
  ResponseParser parser_;
  std::size_t written_ = 0;
  bool waits_for_room_ = false;
  bool keep_alive_ = false;
  bool over_ = false;
  bool garbled_ = false;    // compressed bytes came
  std::string compressed_;  // how, by the head
  int served_ = 0;
  std::string why_;
  Stamp last_;

  Loop::TimerId timer_ = 0;
  bool timer_is_set_ = false;
  Time timer_at_{};
  Time until_{};
  std::string_view waits_for_;
};

void Client::Pool::drop(Connection& connection) {
  connection.make_over();
  std::erase(idle_, &connection);
  const auto found = connections_.find(&connection);
  if (found == connections_.end()) return;
  const std::shared_ptr<Connection> last = std::move(found->second);
  connections_.erase(found);
  loop_.defer([last] {});
}

Client::Pool::Connection* Client::Pool::take_idle() {
  while (!idle_.empty()) {
    Connection* connection = idle_.back();
    idle_.pop_back();
    if (connection->is_quiet()) return connection;
    drop(*connection);
  }
  return nullptr;
}

void Client::Pool::warm(std::size_t count, std::function<void(const Warmed&)> then) {
  struct Progress {
    std::size_t left;
    Warmed warmed;
    std::function<void(const Warmed&)> then;
  };
  const auto progress = std::make_shared<Progress>(Progress{count, {}, std::move(then)});
  if (count == 0) defer([progress] { progress->then(progress->warmed); });
  for (std::size_t i = 0; i < count; ++i) {
    auto owned = std::make_unique<Connection>(*this);
    Connection* connection = owned.get();
    connections_.emplace(connection, std::move(owned));
    connection->open(
        [this, connection, progress](Outcome outcome, std::string_view reason) {
          if (outcome == Outcome::Complete) {
            ++progress->warmed.open;
            idle_.push_back(connection);
          } else {
            if (progress->warmed.reason.empty()) progress->warmed.reason = reason;
            drop(*connection);
          }
          if (--progress->left == 0) progress->then(progress->warmed);
        },
        options_.patience.connect);
  }
}

Client::RequestId Client::Pool::send(std::string wire, Exchange& exchange,
                                     const Patience& patience) {
  const RequestId id = next_++;
  auto owned = std::make_unique<Job>();
  Job& job = *owned;
  job.id = id;
  job.wire = forwards() ? for_proxy(wire, endpoint_.url, proxy_authorization_) : std::move(wire);
  job.exchange = &exchange;
  job.patience = patience;
  job.ending.asked = loop_.now();
  jobs_.emplace(id, std::move(owned));
  start(job, false);
  return id;
}

void Client::Pool::start(Job& job, bool fresh) {
  if (!fresh) {
    if (Connection* idle = take_idle()) {
      idle->serve(job);
      return;
    }
  }
  auto owned = std::make_unique<Connection>(*this);
  Connection* connection = owned.get();
  connections_.emplace(connection, std::move(owned));
  job.connection = connection;
  Nanos connect = job.patience.connect;
  if (job.patience.whole.count() > 0) {
    const Nanos left = std::max(Nanos(1), job.ending.asked + job.patience.whole - loop_.now());
    connect = connect.count() > 0 ? std::min(connect, left) : left;
  }
  connection->open(
      [this, connection, waiting = &job](Outcome outcome, std::string_view reason) {
        if (outcome == Outcome::Complete) {
          connection->serve(*waiting);
          return;
        }
        drop(*connection);
        end(*waiting, outcome, std::string(reason));
      },
      connect);
}

void Client::Pool::end(Job& job, Outcome outcome, std::string reason) {
  const auto found = jobs_.find(job.id);
  const std::unique_ptr<Job> last = std::move(found->second);
  jobs_.erase(found);
  last->ending.outcome = outcome;
  last->ending.reason = std::move(reason);
  last->exchange->on_end(last->ending);
}

void Client::Pool::cancel(RequestId request) {
  const auto found = jobs_.find(request);
  if (found == jobs_.end() || found->second->cancelled) return;
  Job& job = *found->second;
  job.cancelled = true;
  if (job.connection != nullptr) drop(*std::exchange(job.connection, nullptr));
  defer([this, &job] { end(job, Outcome::Cancelled, "cancelled"); });
}

Client::Client(Loop& loop, Endpoint endpoint, ClientOptions options)
    : pool_(std::make_unique<Pool>(loop, std::move(endpoint), options)) {}
Client::~Client() = default;

void Client::warm(std::size_t count, std::function<void(const Warmed&)> then) {
  pool_->warm(count, std::move(then));
}
Client::RequestId Client::send(std::string wire, Exchange& exchange) {
  return send(std::move(wire), exchange, pool_->options_.patience);
}
Client::RequestId Client::send(std::string wire, Exchange& exchange, const Patience& patience) {
  return pool_->send(std::move(wire), exchange, patience);
}
void Client::cancel(RequestId request) { pool_->cancel(request); }

std::size_t Client::idle_connections() const { return pool_->idle_.size(); }
std::size_t Client::busy_connections() const {
  return pool_->connections_.size() - pool_->idle_.size();
}
const ClientStats& Client::stats() const { return pool_->stats_; }
const std::optional<TlsFacts>& Client::tls() const { return pool_->tls_facts_; }

}  // namespace kneepoint::http
