#include "httpd/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>

#include "httpd/access_log.h"
#include "httpd/answer.h"
#include "httpd/connection.h"
#include "httpd/worker.h"

namespace kneepoint::httpd {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Code = boost::system::error_code;

constexpr int kBacklog = 4096;
constexpr auto kOutOfFiles = std::chrono::milliseconds(50);

unsigned thread_count(unsigned asked) {
  if (asked > 0) return std::min(asked, 64U);
  return std::clamp(std::thread::hardware_concurrency() / 2, 1U, 4U);
}

}  // namespace

class Server::State : public std::enable_shared_from_this<Server::State> {
 public:
  explicit State(Options options) { shared_.options = std::move(options); }

  Result<void> prepare(std::vector<Route> routes);
  Result<void> listen();
  void run();
  bool drain(std::chrono::milliseconds patience);
  void stop();

  Shared shared_;
  std::uint16_t port_ = 0;

 private:
  void add_own(std::vector<Route>& routes);
  void accept_next();
  void make_room(Worker& worker);
  void round(std::shared_ptr<Worker> worker);
  void reread();
  void log(std::string_view level, std::string_view message);

  std::vector<std::shared_ptr<Worker>> workers_;
  std::optional<tcp::acceptor> acceptor_;  // in the first worker's thread
  std::optional<asio::steady_timer> pause_;
  std::size_t next_ = 0;
  Clock::time_point files_seen_ = Clock::now();
  bool stopped_ = false;
};

void Server::State::log(std::string_view level, std::string_view message) {
  if (shared_.options.log) shared_.options.log(log_line(level, message));
}

void Server::State::add_own(std::vector<Route>& routes) {
  const auto own = [&](std::string path, bool open, std::function<Answer()> make) {
    Route route;
    route.method = "GET";
    route.path = std::move(path);
    route.open = open;
    route.handle = [make = std::move(make)](const Request&, const std::shared_ptr<Reply>& reply) {
      reply->answer(make());
    };
    routes.push_back(std::move(route));
  };
  own("/healthz", true, [] { return text_answer(200, "ok\n"); });
  own("/readyz", true, [this] {
    const auto& options = shared_.options;
    if (shared_.unready) return text_answer(503, "shutting down\n");
    const auto why = options.ready ? options.ready() : std::string();
    return why.empty() ? text_answer(200, "ready\n") : text_answer(503, why + "\n");
  });
  own("/metrics", false, [this] {
    auto text = shared_.metrics->text();
    if (shared_.options.more_metrics) text += shared_.options.more_metrics();
    return text_answer(200, std::move(text), "text/plain; version=0.0.4; charset=utf-8");
  });
}

Result<void> Server::State::prepare(std::vector<Route> routes) {
  auto& options = shared_.options;
  const auto safe = check_exposure(options.listen.address, options.tokens != nullptr,
                                   options.tls.enabled() && !options.tls.client_ca.empty());
  if (!safe) return safe;
  if (!options.tls.client_ca.empty() && !options.tls.enabled())
    return fail(ErrorCode::InvalidArgument,
                "--client-ca needs TLS: give --tls-cert and --tls-key too");
  if (options.tls.enabled() || !options.tls.key.empty()) {
    auto tls = TlsContext::load(options.tls);
    if (!tls) return fail(std::move(tls.error()));
    shared_.tls = std::move(*tls);
  }
  add_own(routes);
  auto router = Router::make(std::move(routes));
  if (!router) return fail(std::move(router.error()));
  shared_.router = std::make_unique<Router>(std::move(*router));
  if (!options.web.empty()) {
    auto console = StaticFiles::read(options.web);
    if (!console) return fail(std::move(console.error()));
    shared_.console = std::make_unique<StaticFiles>(std::move(*console));
  }
  shared_.metrics = std::make_unique<Metrics>(shared_.router->routes());
  shared_.gate = std::make_unique<Gate>(options, *shared_.router, shared_.console.get());
  for (unsigned i = 0; i < thread_count(options.threads); ++i)
    workers_.push_back(std::make_shared<Worker>());
  return {};
}

Result<void> Server::State::listen() {
  const auto& where = shared_.options.listen;
  Code wrong;
  const tcp::endpoint endpoint(asio::ip::make_address(where.address, wrong), where.port);
  const auto failed = [&] {
    return fail(ErrorCode::Unavailable,
                wrong == asio::error::address_in_use
                    ? fmt::format("{} is taken by another program; pick another port with --http, "
                                  "or 0 for any that is free",
                                  where.to_text())
                    : fmt::format("listen on {}: {}", where.to_text(), wrong.message()));
  };
  if (wrong) return failed();
  acceptor_.emplace(workers_.front()->io);
  if (acceptor_->open(endpoint.protocol(), wrong); wrong) return failed();
  acceptor_->set_option(tcp::acceptor::reuse_address(true), wrong);
  if (acceptor_->bind(endpoint, wrong); wrong) return failed();
  if (acceptor_->listen(kBacklog, wrong); wrong) return failed();
  port_ = acceptor_->local_endpoint(wrong).port();
  pause_.emplace(workers_.front()->io);
  return {};
}

void Server::State::run() {
  for (auto& worker : workers_) {
    worker->work.emplace(worker->io.get_executor());
    worker->thread = std::thread([worker] {
      worker->id = std::this_thread::get_id();
      worker->io.run();
    });
    asio::post(worker->io, [this, worker] { round(worker); });
  }
  asio::post(workers_.front()->io, [this] { accept_next(); });
}

void Server::State::accept_next() {
  if (!acceptor_ || !acceptor_->is_open()) return;
  auto worker = workers_[next_++ % workers_.size()];
  auto& io = worker->io;
  acceptor_->async_accept(
      io, [this, worker = std::move(worker)](const Code& wrong, tcp::socket socket) {
        if (wrong == asio::error::operation_aborted) return;
        if (wrong) {  // most likely no file left to open: those that idle can go
          shared_.metrics->refused("accept");
          make_room(*workers_.front());
          pause_->expires_after(kOutOfFiles);
          pause_->async_wait([this](const Code& cancelled) {
            if (!cancelled) accept_next();
          });
          return;
        }
        // Begun in its own worker's thread, where it stays.
        asio::post(worker->io, [this, worker, taken = std::move(socket)]() mutable {
          if (shared_.draining) return;
          if (shared_.connections >= shared_.options.limits.connections) make_room(*worker);
          Connection::begin(shared_, worker, std::move(taken));
        });
        accept_next();
      });
}

/// Whoever has waited longest without a whole request gives up its place: idle ones first, then
/// those that are still telling what they want.
void Server::State::make_room(Worker& worker) {
  Connection* oldest = nullptr;
  const auto rank = [](const Connection& each) {
    return each.phase() == Connection::Phase::Idle ? 0 : 1;
  };
  for (auto* each : worker.connections) {
    if (each->phase() != Connection::Phase::Idle && each->phase() != Connection::Phase::Reading)
      continue;
    if (!oldest || rank(*each) < rank(*oldest) ||
        (rank(*each) == rank(*oldest) && each->since() < oldest->since()))
      oldest = each;
  }
  if (!oldest) return;
  shared_.metrics->refused("full");
  oldest->cut();
}

void Server::State::round(std::shared_ptr<Worker> worker) {
  if (shared_.stopping) return;  // cancelling comes too late for a timer that has gone off
  const auto now = Clock::now();
  for (auto* each : worker->connections) each->look(now);
  if (worker == workers_.front() && now - files_seen_ >= shared_.options.timeouts.files) {
    files_seen_ = now;
    reread();
  }
  auto& timer = worker->round;
  timer.expires_after(shared_.options.timeouts.round);
  timer.async_wait([this, worker](const Code& cancelled) {
    if (!cancelled) round(worker);
  });
}

void Server::State::reread() {
  const auto tell = [this](std::string_view what, const Result<bool>& done) {
    if (done && !*done) return;
    shared_.metrics->reread(what, done.has_value());
    if (done)
      log("info", fmt::format("the {} changed and were read again", what));
    else
      log("error", fmt::format("the {} stay as they were: {}", what, done.error().message));
  };
  if (shared_.tls) tell("certificates", shared_.tls->refresh());
  if (shared_.options.tokens) tell("tokens", shared_.options.tokens->refresh());
}

bool Server::State::drain(std::chrono::milliseconds patience) {
  shared_.unready = true;
  shared_.draining = true;
  for (auto& worker : workers_)
    asio::post(worker->io, [this, worker] {
      Code ignored;
      if (worker == workers_.front() && acceptor_) acceptor_->close(ignored);
      for (auto* each : worker->connections) each->retire();
    });
  const auto until = Clock::now() + patience;
  while (shared_.connections > 0 && Clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return shared_.connections == 0;
}

void Server::State::stop() {
  if (stopped_) return;
  stopped_ = true;
  shared_.draining = true;
  shared_.stopping = true;
  for (auto& worker : workers_)
    asio::post(worker->io, [this, worker] {
      Code ignored;
      if (worker == workers_.front() && acceptor_) {
        acceptor_->close(ignored);
        pause_->cancel();
      }
      worker->round.cancel();
      for (auto* each : worker->connections) each->cut();
      worker->work.reset();
    });
  // A thread ends when its last connection has seen that it was cut.
  for (auto& worker : workers_)
    if (worker->thread.joinable()) worker->thread.join();
  acceptor_.reset();
  pause_.reset();
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::start(Options options, std::vector<Route> routes) {
  auto state = std::make_shared<State>(std::move(options));
  if (auto done = state->prepare(std::move(routes)); !done) return fail(std::move(done.error()));
  if (auto done = state->listen(); !done) return fail(std::move(done.error()));
  state->run();
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

std::uint16_t Server::port() const { return state_->port_; }

std::string Server::url() const {
  const auto& options = state_->shared_.options;
  return fmt::format("{}://{}", options.tls.enabled() ? "https" : "http",
                     Endpoint{options.listen.address, state_->port_}.to_text());
}

std::size_t Server::connections() const { return state_->shared_.connections; }
void Server::unready() { state_->shared_.unready = true; }
bool Server::drain(std::chrono::milliseconds patience) { return state_->drain(patience); }
void Server::stop() { state_->stop(); }

}  // namespace kneepoint::httpd
