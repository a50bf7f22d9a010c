#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kneepoint::http {

struct RequestHead {
  std::string method;                                       // as it came: "POST"
  std::string target;                                       // "/v1/models?limit=2"
  std::vector<std::pair<std::string, std::string>> fields;  // as they came
  bool keep_alive = false;        // whether the client may send another one
  bool expects_continue = false;  // it waits for a 100 before it sends the body
  bool is_http_1_0 = false;       // knows no chunks

  /// The first field of that name, whatever its case.
  std::optional<std::string_view> find(std::string_view name) const;
  /// The target without its query.
  std::string_view path() const;
};

struct RequestLimits {
  std::size_t head = std::size_t{64} << 10;
  std::size_t body = std::size_t{64} << 20;
};

/// One HTTP/1.1 request after another, from bytes that arrive cut anywhere; the body is gathered.
/// Behind what was given feed() asks for no more than one request: what follows it stays with the
/// caller.
class RequestParser {
 public:
  /// A body can be read in place by a parser that looks this far past its end.
  static constexpr std::size_t kPadding = 64;

  explicit RequestParser(RequestLimits limits = {});
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  void start();  // for the next request

  /// Returns how many of the bytes belong to this request: fewer than were given when it is done.
  /// An error is final until start(); refusal_status() says how to answer it.
  Result<std::size_t> feed(std::string_view bytes);

  bool started() const;  // at least one byte of a request
  bool head_done() const;
  bool done() const;
  int refusal_status() const;  // 400, 413, 431, 501

  const RequestHead& head() const;
  /// Its capacity is at least its size plus kPadding once done.
  const std::string& body() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace kneepoint::http
