#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace kneepoint::httpd::testing {

/// A client that says exactly the bytes it is told to, well formed or not.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), connected_(other.connected_) {}
  RawClient(const RawClient&) = delete;
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }

  bool connected() const { return connected_; }
  int descriptor() const { return socket_; }

  bool say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// More bytes into heard(); false at the end, or when none came for so long.
  bool hear(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    pollfd poll{socket_, POLLIN, 0};
    if (::poll(&poll, 1, static_cast<int>(patience.count())) != 1) return false;
    char bytes[65536];
    const auto read = ::recv(socket_, bytes, sizeof bytes, 0);
    if (read <= 0) {
      over_ = true;
      return false;
    }
    heard_.append(bytes, static_cast<std::size_t>(read));
    return true;
  }
  /// Waits until this was heard, from the front of what is left.
  bool hear_until(std::string_view text) {
    while (heard_.find(text) == std::string::npos)
      if (!hear()) return false;
    return true;
  }
  /// The next answer by its Content-Length, taken off what was heard. Empty: none came.
  std::string answer(bool head_only = false) {
    while (true) {
      const auto end = heard_.find("\r\n\r\n");
      if (end != std::string::npos) {
        std::size_t size = 0;
        const auto field = heard_.find("Content-Length: ");
        if (!head_only && field < end) size = std::stoul(heard_.substr(field + 16));
        if (heard_.size() >= end + 4 + size) {
          auto whole = heard_.substr(0, end + 4 + size);
          heard_.erase(0, end + 4 + size);
          return whole;
        }
      }
      if (!hear()) return {};
    }
  }
  /// All until the server closes.
  std::string rest() {
    while (hear()) {
    }
    return std::exchange(heard_, {});
  }
  bool over() const { return over_; }  // the server closed
  const std::string& heard() const { return heard_; }

 private:
  int socket_ = -1;
  bool connected_ = false, over_ = false;
  std::string heard_;
};

}  // namespace kneepoint::httpd::testing
