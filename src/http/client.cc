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

bool is_plain(std::string_view text, bool blanks) {
  return std::all_of(text.begin(), text.end(), [blanks](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' ? byte != 0x7f : blanks && (c == ' ' || c == '\t');
  });
}

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
  std::string wire =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, request.path, url.authority());
  for (const auto& [field, value] : request.fields) {
    if (field.empty() || !is_plain(field, false) || field.find(':') != std::string::npos) {
      return refuse("field's name");
    }
    // The value may be a key, and is not repeated.
    if (!is_plain(value, true)) return refuse("field's value");
    wire += fmt::format("{}: {}\r\n", field, value);
  }
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
      : loop_(loop), endpoint_(std::move(endpoint)), options_(options), buffer_(kReadSize) {}

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
    written_ = 0;
    last_.at = *job.ending.connected;
    wait_at_most(job.patience.first_byte, "for the first byte");
    write_more();
  }

  /// Whether the server has closed a kept connection, or sent what nobody asked for.
  bool is_quiet() const {
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

  void on_ready(bool readable, bool writable) override {
    if (opened_) {
      finish_connecting();
      return;
    }
    if (writable && job_ != nullptr) write_more();
    if (readable && !over_) read_more();
  }

  void on_head(const ResponseHead& head) override {
    keep_alive_ = head.keep_alive;
    if (job_ == nullptr) return;
    job_->ending.status = head.status;
    job_->exchange->on_head(head, last_);
  }

  void on_body(std::string_view bytes) override {
    if (job_ != nullptr) job_->exchange->on_body(bytes, last_);
  }

 private:
  bool try_next_address() {
    while (next_address_ < pool_.endpoint_.addresses.size()) {
      const Endpoint::Address& address = pool_.endpoint_.addresses[next_address_++];
      close_socket();
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
        why_ = fmt::format("connect to {}: {}", pool_.endpoint_.url.authority(), strerror(errno));
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
      stop_waiting();
      tell_opened(Outcome::Complete, {});
      return;
    }
    why_ = fmt::format("connect to {}: {}", pool_.endpoint_.url.authority(), strerror(wrong));
    if (!try_next_address()) tell_opened(Outcome::NotConnected, why_);
  }

  /// Last thing a function does: the connection may be over afterwards.
  void tell_opened(Outcome outcome, std::string reason) {
    const Opened opened = std::exchange(opened_, nullptr);
    opened(outcome, reason);
  }

  void write_more() {
    const std::string& wire = job_->wire;
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
      pool_.defer([this, job = job_->id] {
        if (!over_ && job_ != nullptr && job_->id == job) read_more();
        if (!over_ && job_ != nullptr && job_->id == job) lost(why_);
      });
      written_ = wire.size();
      return;
    }
    if (waits_for_room_) pool_.loop_.want_writable(*watch_, waits_for_room_ = false);
    if (!job_->ending.sent) {
      job_->ending.sent = pool_.loop_.now();
      if (!parser_.started()) wait_at_most(job_->patience.first_byte, "for the first byte");
    }
  }

  void read_more() {
    while (!over_) {
      const StampedRead read = stamped_read(socket_, pool_.buffer_);
      if (read.count < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) lost(fmt::format("read: {}", strerror(errno)));
        return;
      }
      if (read.count == 0) {
        lost("the server closed the connection");
        return;
      }
      take({pool_.buffer_.data(), static_cast<std::size_t>(read.count)}, stamp_of(read));
      if (static_cast<std::size_t>(read.count) < pool_.buffer_.size()) return;
    }
  }

  /// The kernel's time on the loop's clock. It cannot lie before what was read last nor after now;
  /// where it does, because the wall clock was set meanwhile, now is the better answer.
  Stamp stamp_of(const StampedRead& read) {
    ++pool_.stats_.reads;
    const Time now = pool_.loop_.now();
    if (!read.realtime) return {now, false};
    constexpr Nanos kClocksDrift = std::chrono::microseconds(50);
    const Time at{*read.realtime - pool_.loop_.realtime_ahead()};
    if (at < last_.at - kClocksDrift || at > now + kClocksDrift) return {now, false};
    ++pool_.stats_.kernel_stamps;
    return {std::clamp(at, std::min(last_.at, now), now), true};
  }

  void take(std::string_view bytes, Stamp stamp) {
    last_ = stamp;
    if (job_ == nullptr) {  // kept, and the server speaks unasked
      pool_.drop(*this);
      return;
    }
    if (!job_->ending.first_byte) job_->ending.first_byte = stamp;
    job_->ending.last_byte = stamp;
    wait_at_most(job_->patience.silence, "for more of the answer");
    const auto used = parser_.feed(bytes, *this);
    if (job_ == nullptr) return;  // cancelled by who was told
    if (!used) {
      finish(Outcome::NotHttp, used.error().message, false);
    } else if (parser_.done()) {
      // An answer before the whole request was taken leaves a connection nobody can use again.
      const bool whole = *used == bytes.size() && job_->ending.sent.has_value();
      finish(Outcome::Complete, {}, keep_alive_ && whole);
    }
  }

  void lost(std::string reason) {
    if (job_ == nullptr) {
      pool_.drop(*this);
      return;
    }
    const auto closed = parser_.closed();
    if (closed) {
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
    const Time now = pool_.loop_.now();
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

  Pool& pool_;
  int socket_ = -1;
  std::optional<Loop::WatchId> watch_;
  std::size_t next_address_ = 0;
  Opened opened_;  // set while connecting
  Job* job_ = nullptr;
  ResponseParser parser_;
  std::size_t written_ = 0;
  bool waits_for_room_ = false;
  bool keep_alive_ = false;
  bool over_ = false;
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
  job.wire = std::move(wire);
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

}  // namespace kneepoint::http
