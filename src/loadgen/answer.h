#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "http/client.h"
#include "http/sse.h"
#include "http/stream_chunk.h"
#include "metrics/timeline.h"

namespace kneepoint::loadgen {

/// How an answer went, for the table of errors.
struct Verdict {
  metrics::Outcome outcome = metrics::Outcome::Completed;
  std::string what;  // "status 503", "error event in a stream of status 200"; empty when completed
  std::string example;  // of the server's own words, shortened
};

/// Turns the bytes of one answer into a timeline. Knows no socket: it is told what came and when.
/// Used again for the next request, so that its memory is.
///
/// Status 200 proves nothing: servers turn requests away, fail and abort inside a stream, and some
/// end it without [DONE]. An answer is whole when it said so: by [DONE] or a finish reason.
class Answer {
 public:
  /// Times are since the start of the run.
  void start(Nanos due);
  void on_head(int status, bool event_stream);
  /// Returns how many events with output these bytes held.
  std::uint32_t on_body(std::string_view bytes, Nanos at, http::StreamChunkDecoder& chunks);
  /// Sets the timeline's outcome. `end` is when the last byte came, or when patience ended.
  Verdict on_end(const http::Ending& ending, Nanos end, http::StreamChunkDecoder& chunks);

  /// Whole from on_end() until start().
  metrics::Timeline timeline;
  /// What the server said of why it stopped.
  std::string_view finish_reason() const { return finish_reason_; }

 private:
  void take(const http::StreamChunk& chunk, Nanos at);
  std::int64_t tokens_of(const http::StreamChunk& chunk);
  Verdict judge(const http::Ending& ending);

  http::SseDecoder sse_;
  int status_ = 0;
  bool event_stream_ = false;
  bool done_ = false;
  bool has_error_ = false;
  std::optional<std::int64_t> error_code_;
  std::string error_;   // the server's words, in a stream or as a body
  std::string broken_;  // what of the bytes could not be read
  std::string finish_reason_;
  std::string body_;            // of an answer that is no stream
  bool usage_on_each_ = false;  // the first event with output had one
  std::int64_t counted_ = 0;    // tokens so far, by cumulative usage or ids
};

}  // namespace kneepoint::loadgen
