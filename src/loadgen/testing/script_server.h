#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http/endpoint.h"

namespace kneepoint::loadgen::testing {

/// One connection of ScriptServer, seen from a script. Blocking.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}

  void say(std::string_view text) { send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
  void head(std::string_view fields = "Content-Type: text/event-stream\r\n") {
    say(fmt::format("HTTP/1.1 200 OK\r\n{}Transfer-Encoding: chunked\r\n\r\n", fields));
  }
  void chunk(std::string_view bytes) { say(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes)); }
  void event(std::string_view data) { chunk(fmt::format("data: {}\n\n", data)); }
  void token(std::string_view finish = "") {
    event(fmt::format(R"({{"choices":[{{"index":0,"text":" w","finish_reason":{}}}]}})",
                      finish.empty() ? "null" : fmt::format("\"{}\"", finish)));
  }
  void usage(int prompt, int completion) {
    event(fmt::format(R"({{"choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})",
                      prompt, completion));
  }
  void done() {
    event("[DONE]");
    end();
  }
  void end() { say("0\r\n\r\n"); }
  /// A whole answer of so many tokens.
  void answer(int tokens) {
    head();
    for (int i = 0; i < tokens; ++i) token(i + 1 == tokens ? "length" : "");
    usage(4, tokens);
    done();
  }
  void status(std::string_view line, std::string_view body) {
    say(fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n{}", line, body.size(), body));
  }
  void close_now() { shutdown(socket_, SHUT_RDWR); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    reset_ = true;
  }
  /// Until the client hangs up: a server that stalls.
  void stall() {
    char byte = 0;
    while (recv(socket_, &byte, 1, 0) > 0) {
    }
  }

  /// Head and body of the next request; "" when the client closed.
  std::string read_request() {
    std::array<char, 16384> bytes{};
    while (true) {
      const std::size_t end = text_.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = text_.find("Content-Length: ");
        const std::size_t size = at < end ? std::stoul(text_.substr(at + 16, 12)) : 0;
        if (text_.size() >= end + 4 + size) {
          std::string out = text_.substr(0, end + 4 + size);
          text_.erase(0, end + 4 + size);
          return out;
        }
      }
      const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
      if (count <= 0) return {};
      text_.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  bool is_reset() const { return reset_; }

 private:
  int socket_;
  std::string text_;
  bool reset_ = false;
};

/// A server that does what a script says, a thread for each connection. The script is called for
/// each request with its number, from 0 in the order they came; false closes the connection.
class ScriptServer {
 public:
  using Script = std::function<bool(Peer&, const std::string& request, int number)>;

  explicit ScriptServer(Script script) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 1024), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptServer() {
    stop();
    for (std::thread& thread : threads_) thread.join();
  }
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;

  /// No further connection is taken, and those there are end: the server dies.
  void stop() {
    if (stopped_.exchange(true)) return;
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    close(listener_);
    const std::lock_guard lock(lock_);
    for (const int open : open_) shutdown(open, SHUT_RDWR);
  }

  http::Endpoint endpoint() const {
    return http::resolve(http::Url{.tls = false, .host = "127.0.0.1", .port = port_, .base = ""})
        .value();
  }
  std::uint16_t port() const { return port_; }
  int requests() const { return requests_; }
  int most_at_once() const { return most_at_once_; }
  std::vector<std::string> seen() {
    const std::lock_guard lock(lock_);
    return seen_;
  }

 private:
  void accept_all() {
    while (true) {
      const int peer = accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      const int on = 1;
      setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::lock_guard lock(lock_);
      open_.push_back(peer);
      threads_.emplace_back([this, peer] { serve(peer); });
    }
  }

  void serve(int socket) {
    Peer peer(socket);
    while (true) {
      const std::string request = peer.read_request();
      if (request.empty()) break;
      const int now = ++at_once_;
      for (int most = most_at_once_; now > most;) {
        if (most_at_once_.compare_exchange_weak(most, now)) break;
      }
      const int number = requests_++;
      {
        const std::lock_guard lock(lock_);
        seen_.push_back(request);
      }
      const bool goes_on = script_(peer, request, number);
      --at_once_;
      if (!goes_on) break;
    }
    const std::lock_guard lock(lock_);
    std::erase(open_, socket);
    close(socket);
  }

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> requests_ = 0, at_once_ = 0, most_at_once_ = 0;
  std::mutex lock_;
  std::vector<int> open_;
  std::vector<std::string> seen_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace kneepoint::loadgen::testing
