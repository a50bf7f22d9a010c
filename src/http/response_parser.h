#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kneepoint::http {

struct ResponseHead {
  int status = 0;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> fields;  // as they came
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  /// Whether the connection may be used again, by what the server says. Some say so and close.
  bool keep_alive = false;

  /// The first field of that name, whatever its case.
  std::optional<std::string_view> find(std::string_view name) const;
  /// text/event-stream, whatever its parameters.
  bool is_event_stream() const;
};

/// What a response is told to as it is read. It must not touch the parser meanwhile.
class ResponseReader {
 public:
  virtual void on_head(const ResponseHead& head) = 0;
  virtual void on_body(std::string_view bytes) = 0;  // without the framing of chunks

 protected:
  ~ResponseReader() = default;
};

/// One HTTP/1.1 response after another, from bytes that arrive cut anywhere. Interim responses
/// (100, 103) are skipped. Body bytes are handed on where they lie; only a head or a chunk's size
/// that was cut is gathered.
class ResponseParser {
 public:
  static constexpr std::size_t kLargestHead = std::size_t{64} << 10;

  ResponseParser();
  ~ResponseParser();
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;

  /// For the next response; of one to a HEAD request the body is left out.
  void start(bool to_head_request = false);

  /// Returns how many of the bytes belong to this response: fewer than were given when it is done.
  /// An error is final until start().
  Result<std::size_t> feed(std::string_view bytes, ResponseReader& reader);

  /// The connection was closed. Ends a body that lasts until then; an error when the response was
  /// cut.
  Result<void> closed();

  bool started() const;  // at least one byte of a response, interim ones included
  bool done() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace kneepoint::http
