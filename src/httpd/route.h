#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the HTTP server hands to whoever answers, free of Beast and Asio. The server has already
/// checked size, host, origin, token and rate; it adds request id, security headers and
/// compression.
namespace kneepoint::httpd {

/// In the order a token includes them.
enum class Right { Read, Write, Deploy };

struct Request {
  std::string method;  // "GET"
  std::string path;    // percent-decoded, "//" made "/": "/v1/models:fetch"
  std::vector<std::pair<std::string, std::string>> query;       // decoded, in order
  std::vector<std::pair<std::string, std::string>> parameters;  // of the path: {id}
  std::vector<std::pair<std::string, std::string>> fields;      // lower-case names
  std::string body;                                             // content-encoding undone
  std::string id;                                               // X-Request-Id, given or made
  Right right = Right::Read;                                    // what the caller may do
  std::string caller;                                           // name of the token, for the log
};

struct Answer {
  int status = 200;
  std::string content_type = "application/json; charset=utf-8";
  /// Shared, so that a cached answer is sent without a copy.
  std::shared_ptr<const std::string> body;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// The far end of server-sent events. May be called from any thread; false: the client is gone.
class EventStream {
 public:
  virtual ~EventStream() = default;
  virtual bool send(std::string_view event, std::string_view data, std::uint64_t id) = 0;
  virtual void close() = 0;
};

/// Answers are given by calling back, from any thread, once. Let go without an answer, the client
/// gets a 500.
class Reply {
 public:
  virtual ~Reply() = default;
  virtual void answer(Answer answer) = 0;
  /// Answers with an event stream instead, which the callee keeps.
  virtual std::shared_ptr<EventStream> events() = 0;
  /// The client has hung up: nobody reads the answer.
  virtual bool gone() const = 0;
};

struct Route {
  /// "POST", "/kneepoint/v1/jobs/{id}:cancel"; {id=**} takes the rest of a path: see router.h.
  std::string method, path;
  Right right = Right::Read;
  std::function<void(Request request, std::shared_ptr<Reply> reply)> handle;
  std::size_t body_limit = std::size_t{4} << 20;  // bytes, unpacked too
  bool open = false;                              // answered without a token
};

}  // namespace kneepoint::httpd
