#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_set>

#include "httpd/exchange.h"
#include "httpd/gate.h"
#include "httpd/metrics.h"
#include "httpd/tls_context.h"

namespace kneepoint::httpd {

class Connection;

/// What all connections share; outlives them.
struct Shared {
  Options options;
  std::unique_ptr<Router> router;
  std::unique_ptr<StaticFiles> console;
  std::unique_ptr<TlsContext> tls;
  std::unique_ptr<Metrics> metrics;
  std::unique_ptr<Gate> gate;
  std::shared_ptr<Packer> packer = std::make_shared<Packer>();
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> bodies = 0;  // bytes that requests under way may hold
  std::atomic<bool> draining = false;
  std::atomic<bool> unready = false;
  std::atomic<bool> stopping = false;
};

/// One thread and the connections that belong to it for life. Whoever answers a request may hold a
/// worker longer than the server lives: posting to it is then harmless.
struct Worker {
  boost::asio::io_context io{1};
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work;
  boost::asio::steady_timer round{io};
  std::unordered_set<Connection*> connections;
  std::thread thread;
  std::atomic<std::thread::id> id;

  bool is_here() const { return std::this_thread::get_id() == id.load(); }
};

}  // namespace kneepoint::httpd
