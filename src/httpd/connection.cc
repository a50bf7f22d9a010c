#include "httpd/connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <type_traits>

#include "base/text.h"
#include "httpd/access_log.h"
#include "httpd/answer.h"
#include "httpd/gzip.h"
#include "httpd/wire.h"

namespace kneepoint::httpd {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using namespace std::chrono_literals;
using Code = boost::system::error_code;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kCopied = std::size_t{8}
                                << 10;  // a body that is sent in one piece with its head
constexpr std::size_t kReadAhead = std::size_t{64} << 10;
constexpr std::size_t kLingered = std::size_t{1} << 20;
constexpr auto kGoodbye = 2s;

/// What the parser could not take; none where the client just left.
std::optional<Answer> parse_refusal(const Code& wrong) {
  if (wrong == http::error::header_limit || wrong == http::error::buffer_overflow)
    return error_answer(431, "FIELDS_TOO_LARGE", "the request's fields are too large");
  if (wrong == http::error::body_limit)
    return error_answer(413, "BODY_TOO_LARGE", "the body is too large");
  if (wrong == http::error::bad_version)
    return error_answer(505, "VERSION_UNKNOWN",
                        "this address speaks HTTP/1.1; gRPC has an address of its own (--grpc)");
  if (wrong == http::error::end_of_stream || wrong == http::error::partial_message)
    return std::nullopt;
  if (wrong.category() == make_error_code(http::error::bad_method).category())
    return error_answer(400, "REQUEST_INVALID", "this is no HTTP request: " + wrong.message());
  return std::nullopt;
}

/// Bytes that a request may hold while it is under way, given back at its end.
class Budget {
 public:
  Budget(std::atomic<std::size_t>& used, std::size_t most, std::size_t wanted)
      : used_(used), wanted_(wanted), fits_(used.fetch_add(wanted) + wanted <= most) {}
  ~Budget() { used_ -= wanted_; }
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  bool fits() const { return fits_; }

 private:
  std::atomic<std::size_t>& used_;
  const std::size_t wanted_;
  const bool fits_;
};

}  // namespace

Connection::Connection(Shared& shared, std::shared_ptr<Worker> worker)
    : shared_(shared), worker_(std::move(worker)), bell_(worker_->io), since_(Clock::now()) {
  worker_->connections.insert(this);
  ++shared_.connections;
  shared_.metrics->connections(1);
}

Connection::~Connection() {
  worker_->connections.erase(this);
  --shared_.connections;
  shared_.metrics->connections(-1);
}

void Connection::enter(Phase phase, std::chrono::milliseconds most) {
  phase_ = phase;
  since_ = Clock::now();
  deadline_ = most.count() > 0 ? since_ + most : Clock::time_point::max();
}

void Connection::enter(Phase phase, std::chrono::milliseconds most, std::size_t bytes) {
  enter(phase, most + std::chrono::milliseconds(bytes * 1000 / shared_.options.limits.pace));
}

void Connection::look(Clock::time_point now) {
  if (cut_ || now < deadline_) return;
  if (phase_ == Phase::Reading) shared_.metrics->refused("slow_request");
  if (phase_ == Phase::Writing) shared_.metrics->refused("slow_reader");
  cut();
}

void Connection::cut() {
  cut_ = true;
  Code ignored;
  socket().close(ignored);
  if (exchange_) exchange_->lose();
  bell_.cancel();
}

void Connection::retire() {
  if (phase_ == Phase::Idle) cut();
  if (phase_ == Phase::Streaming) bell_.cancel();
}

namespace {

template <class Stream>
class ConnectionOver final : public Connection {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, Socket>;

  ConnectionOver(Shared& shared, std::shared_ptr<Worker> worker, Socket socket,
                 std::shared_ptr<TlsContext::Context> tls)
    requires kTls
      : Connection(shared, std::move(worker)),
        tls_(std::move(tls)),
        stream_(std::move(socket), *tls_) {}
  ConnectionOver(Shared& shared, std::shared_ptr<Worker> worker, Socket socket)
    requires(!kTls)
      : Connection(shared, std::move(worker)), stream_(std::move(socket)) {}

  /// `self` keeps the connection for as long as it runs.
  asio::awaitable<void> run(std::shared_ptr<ConnectionOver> self);

 private:
  using Parser = http::request_parser<http::string_body>;
  struct Turn {  // what is known of the request under way
    Clock::time_point began = Clock::now();
    std::string id;
    bool keep = false, head_only = false, http11 = true;
    std::size_t bytes_in = 0;
  };

  Socket& socket() override {
    if constexpr (kTls)
      return stream_.next_layer();
    else
      return stream_;
  }
  bool has_more() {
    if (buffer_.size() > 0) return true;
    if constexpr (kTls) return SSL_has_pending(stream_.native_handle()) == 1;
    return false;
  }
  asio::awaitable<bool> serve_one();
  asio::awaitable<std::optional<Answer>> read_body(Parser& parser, Admitted& admitted);
  asio::awaitable<bool> write_answer(const Answer& answer, const Turn& turn,
                                     const Admitted& admitted);
  asio::awaitable<bool> write_events(const Turn& turn, const Admitted& admitted);
  asio::awaitable<bool> write(std::string_view bytes);
  asio::awaitable<void> goodbye();
  void watch_for_end();
  void tell(const Turn& turn, const Admitted& admitted, int status, std::size_t bytes_out);

  std::shared_ptr<TlsContext::Context> tls_;  // outlives the stream
  Stream stream_;
  boost::beast::flat_buffer buffer_;
};

template <class Stream>
asio::awaitable<void> ConnectionOver<Stream>::run(
    [[maybe_unused]] std::shared_ptr<ConnectionOver> self) {
  Code ignored;
  const auto peer = socket().remote_endpoint(ignored);
  visitor_.address = peer.address().to_string();
  socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  enter(Phase::Reading, shared_.options.timeouts.header);
  if constexpr (kTls) {
    auto [wrong] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kToken);
    if (wrong) {
      shared_.metrics->refused("tls");
      co_return;
    }
    visitor_.certificate = peer_name(stream_.native_handle());
  }
  while (!cut_) {
    if (!has_more()) {
      if (shared_.draining) break;
      if (buffer_.capacity() > 4096) buffer_ = {};  // an idle connection holds little
      enter(Phase::Idle, shared_.options.timeouts.idle);
      auto [wrong] = co_await socket().async_wait(Socket::wait_read, kToken);
      if (wrong || cut_) break;
    }
    const bool again = co_await serve_one();
    if (!again) break;
  }
  if (!cut_) co_await goodbye();
}

template <class Stream>
asio::awaitable<bool> ConnectionOver<Stream>::serve_one() {
  enter(Phase::Reading, shared_.options.timeouts.header);
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(shared_.options.limits.header));
  parser.body_limit(boost::none);  // each route has its own
  auto [wrong, read] = co_await http::async_read_header(stream_, buffer_, parser, kToken);
  if (cut_) co_return false;
  Turn turn;
  Admitted admitted;
  if (wrong) {
    auto refusal = parse_refusal(wrong);
    if (!refusal) co_return false;
    shared_.metrics->refused("request");
    turn.id = request_id({});
    admitted.request.id = turn.id;
    co_await write_answer(*refusal, turn, admitted);
    co_return false;
  }
  const auto& head = parser.get().base();
  turn.http11 = parser.get().version() >= 11;
  turn.head_only = parser.get().method() == http::verb::head;
  turn.keep = parser.keep_alive() && !shared_.draining;
  const auto given = head["X-Request-Id"];
  turn.id = request_id({given.data(), given.size()});
  std::optional<std::uint64_t> length;
  if (const auto told = parser.content_length()) length = *told;
  admitted = shared_.gate->admit(head, length, visitor_, turn.id, turn.began);
  if (admitted.answer) {
    if (!admitted.refused.empty()) shared_.metrics->refused(admitted.refused);
    turn.keep = turn.keep && parser.is_done();  // a body that nobody wants is not waited for
    co_return co_await write_answer(*admitted.answer, turn, admitted);
  }
  const auto& route = *admitted.route;
  const bool has_body = !parser.is_done();
  const bool known = length && !admitted.packed;
  const Budget budget(shared_.bodies, shared_.options.limits.bodies,
                      !has_body ? 0
                      : known   ? static_cast<std::size_t>(*length)
                                : route.body_limit);
  if (!budget.fits()) {
    shared_.metrics->refused("bodies");
    turn.keep = false;
    auto busy =
        error_answer(503, "TOO_MUCH_UNDER_WAY", "the server holds as many requests as it can");
    busy.fields.emplace_back("Retry-After", "1");
    co_return co_await write_answer(busy, turn, admitted);
  }
  if (has_body) {
    if (auto refusal = co_await read_body(parser, admitted)) {
      turn.keep = false;
      co_return co_await write_answer(*refusal, turn, admitted);
    }
    if (cut_ || !parser.is_done()) co_return false;
  }
  turn.bytes_in = admitted.request.body.size();

  exchange_ = std::make_shared<Exchange>(
      [worker = worker_, connection = weak_from_this()] {
        asio::post(worker->io, [connection] {
          if (const auto alive = connection.lock()) alive->wake();
        });
      },
      shared_.packer, std::string(head[http::field::accept_encoding]),
      shared_.options.limits.events);
  try {
    // What the log needs of the request stays.
    Request request = admitted.request;
    admitted.request.body = {};
    route.handle(std::move(request), exchange_->reply());
  } catch (const std::exception& thrown) {
    if (shared_.options.log)
      shared_.options.log(log_line("error", std::string("a handler threw: ") + thrown.what()));
  }
  if (!exchange_->ready()) {
    enter(Phase::Answering, 0ms);
    watch_for_end();
    while (!exchange_->ready() && !cut_) {
      bell_.expires_at(Clock::time_point::max());
      co_await bell_.async_wait(kToken);
    }
  }
  if (cut_) co_return false;
  if (exchange_->streams()) co_return co_await write_events(turn, admitted);
  const auto answer = exchange_->take();
  co_return co_await write_answer(answer, turn, admitted);
}

/// The refusal, or none: then the body is in `admitted`, or the client left.
template <class Stream>
asio::awaitable<std::optional<Answer>> ConnectionOver<Stream>::read_body(Parser& parser,
                                                                         Admitted& admitted) {
  const auto limit = admitted.route->body_limit;
  const auto length = parser.content_length();
  const auto expected = length ? static_cast<std::size_t>(*length) : limit;
  enter(Phase::Reading, shared_.options.timeouts.body, expected);
  if (parser.get().version() >= 11 && !parser.get()[http::field::expect].empty() &&
      buffer_.size() == 0) {
    const bool told = co_await write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!told) co_return std::nullopt;
  }
  parser.body_limit(limit);
  buffer_.reserve(std::min(expected, kReadAhead));
  auto [wrong, read] = co_await http::async_read(stream_, buffer_, parser, kToken);
  if (wrong) co_return parse_refusal(wrong);
  auto& body = parser.get().body();
  if (!admitted.packed) {
    admitted.request.body = std::move(body);
    co_return std::nullopt;
  }
  auto plain = gunzip(body, limit);
  if (!plain) {
    const bool large = plain.error().code == ErrorCode::Unsatisfiable;
    co_return error_answer(large ? 413 : 400, large ? "BODY_TOO_LARGE" : "BODY_INVALID",
                           plain.error().message);
  }
  admitted.request.body = std::move(*plain);
  co_return std::nullopt;
}

template <class Stream>
asio::awaitable<bool> ConnectionOver<Stream>::write_answer(const Answer& answer, const Turn& turn,
                                                           const Admitted& admitted) {
  const bool keep = turn.keep && !shared_.draining;
  auto head = head_of(answer, turn.id, {.keep = keep, .console = admitted.console, .tls = kTls});
  const bool bodiless =
      turn.head_only || !answer.body || answer.status == 204 || answer.status == 304;
  const std::size_t size = bodiless ? 0 : answer.body->size();
  enter(Phase::Writing, shared_.options.timeouts.write, size);
  Code wrong;
  if (size <= kCopied) {
    if (size > 0) head += *answer.body;
    std::tie(wrong, std::ignore) = co_await asio::async_write(stream_, asio::buffer(head), kToken);
  } else {
    const std::array<asio::const_buffer, 2> both{asio::buffer(head), asio::buffer(*answer.body)};
    std::tie(wrong, std::ignore) = co_await asio::async_write(stream_, both, kToken);
  }
  tell(turn, admitted, answer.status, size);
  co_return keep && !wrong && !cut_;
}

template <class Stream>
asio::awaitable<bool> ConnectionOver<Stream>::write_events(const Turn& turn,
                                                           const Admitted& admitted) {
  const auto& timeouts = shared_.options.timeouts;
  const bool keep = turn.keep && turn.http11;
  Answer answer;
  answer.content_type = "text/event-stream; charset=utf-8";
  auto text =
      head_of(answer, turn.id, {.keep = keep, .events = true, .chunks = turn.http11, .tls = kTls});
  std::size_t sent = 0;
  shared_.metrics->streams(1);
  bool fine = true;
  while (fine && !cut_) {
    auto waiting = exchange_->take_frames();
    if (!waiting.frames.empty()) {
      sent += waiting.frames.size();
      if (turn.http11) text += chunk_head(waiting.frames.size());
      text += waiting.frames;
      if (turn.http11) text += "\r\n";
    }
    const bool over = waiting.ended || shared_.draining;
    if (over && turn.http11) text += "0\r\n\r\n";
    if (!text.empty()) {
      enter(Phase::Writing, timeouts.write, text.size());
      fine = co_await write(text);
      text.clear();
    }
    if (over || !fine) break;
    if (exchange_->has_frames()) continue;
    enter(Phase::Streaming, 0ms);
    bell_.expires_after(timeouts.heartbeat);
    auto [rung] = co_await bell_.async_wait(kToken);
    if (!rung) text = turn.http11 ? "3\r\n:\n\n\r\n" : ":\n\n";  // nobody rang: a sign of life
  }
  exchange_->lose();
  shared_.metrics->streams(-1);
  tell(turn, admitted, 200, sent);
  co_return keep&& fine && !cut_ && !shared_.draining;
}

template <class Stream>
asio::awaitable<bool> ConnectionOver<Stream>::write(std::string_view bytes) {
  auto [wrong, sent] =
      co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()), kToken);
  co_return !wrong && !cut_;
}

/// Closing with bytes unread would reset the connection, and the last answer might be lost.
template <class Stream>
asio::awaitable<void> ConnectionOver<Stream>::goodbye() {
  Code wrong;
  enter(Phase::Writing, kGoodbye);
  if constexpr (kTls) std::tie(wrong) = co_await stream_.async_shutdown(kToken);
  socket().shutdown(Socket::shutdown_send, wrong);
  enter(Phase::Idle, kGoodbye);
  std::array<char, 4096> scratch;
  for (std::size_t total = 0; total < kLingered && !wrong && !cut_;) {
    std::size_t read = 0;
    std::tie(wrong, read) = co_await socket().async_read_some(asio::buffer(scratch), kToken);
    total += read;
  }
}

/// While nobody reads, a hang-up is seen by looking without taking.
template <class Stream>
void ConnectionOver<Stream>::watch_for_end() {
  socket().async_wait(
      Socket::wait_read, [this, weak = weak_from_this(), exchange = exchange_](const Code& wrong) {
        const auto alive = weak.lock();
        if (wrong || !alive || !socket().is_open()) return;
        char byte;
        const auto read = ::recv(socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (read > 0 || (read < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))) return;
        exchange->lose();
        wake();
      });
}

template <class Stream>
void ConnectionOver<Stream>::tell(const Turn& turn, const Admitted& admitted, int status,
                                  std::size_t bytes_out) {
  const std::chrono::duration<double> took = Clock::now() - turn.began;
  shared_.metrics->done(
      {admitted.route, admitted.console, status, took.count(), turn.bytes_in, bytes_out});
  if (!shared_.options.log) return;
  const auto& request = admitted.request;
  shared_.options.log(log_line({.id = turn.id,
                                .caller = request.caller,
                                .address = visitor_.address,
                                .method = request.method,
                                .route = admitted.route     ? std::string_view(admitted.route->path)
                                         : admitted.console ? "console"
                                                            : "none",
                                .path = request.path,
                                .status = status,
                                .ms = took.count() * 1000,
                                .bytes_in = turn.bytes_in,
                                .bytes_out = bytes_out}));
}

}  // namespace

void Connection::begin(Shared& shared, std::shared_ptr<Worker> worker, Socket socket) {
  const auto start = [&](auto connection) {
    asio::co_spawn(connection->executor(), connection->run(connection), asio::detached);
  };
  if (shared.tls) {
    using Tls = ConnectionOver<asio::ssl::stream<Socket>>;
    start(
        std::make_shared<Tls>(shared, std::move(worker), std::move(socket), shared.tls->current()));
  } else {
    start(std::make_shared<ConnectionOver<Socket>>(shared, std::move(worker), std::move(socket)));
  }
}

}  // namespace kneepoint::httpd
