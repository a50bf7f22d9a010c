#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "httpd/exchange.h"
#include "httpd/worker.h"

namespace kneepoint::httpd {

/// One client: reads a request, has it answered, writes the answer, and again. One request at a
/// time; what a client sends ahead waits. Lives in its worker's thread, kept by its own coroutine.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = boost::asio::ip::tcp::socket;
  enum class Phase { Idle, Reading, Answering, Streaming, Writing };

  /// Starts it: TLS where the server has a certificate.
  static void begin(Shared& shared, std::shared_ptr<Worker> worker, Socket socket);
  virtual ~Connection();

  /// Once per round: over time, it is closed.
  void look(Clock::time_point now);
  /// What waits looks again: an answer, frames, or the end of the server.
  void wake() { bell_.cancel(); }
  /// As if the cable was cut.
  void cut();
  /// The server drains: closed where idle, otherwise after this answer.
  void retire();

  auto executor() { return worker_->io.get_executor(); }
  Phase phase() const { return phase_; }
  Clock::time_point since() const { return since_; }

 protected:
  Connection(Shared& shared, std::shared_ptr<Worker> worker);
  virtual Socket& socket() = 0;
  void enter(Phase phase, std::chrono::milliseconds most);  // 0: no limit
  void enter(Phase phase, std::chrono::milliseconds most, std::size_t bytes);

  Shared& shared_;
  const std::shared_ptr<Worker> worker_;
  boost::asio::steady_timer bell_;  // rung by wake()
  std::shared_ptr<Exchange> exchange_;
  Visitor visitor_;
  Phase phase_ = Phase::Reading;
  Clock::time_point since_, deadline_;
  bool cut_ = false;
};

}  // namespace kneepoint::httpd
