#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kneepoint::http {

struct SseEvent {
  std::string_view data;  // its data lines, joined by LF
  std::string_view type;  // of the last `event:` line; empty when there was none
};

struct SseLimits {
  std::size_t line = std::size_t{1} << 20;   // bytes of one line, without its end
  std::size_t event = std::size_t{4} << 20;  // bytes of the data of one event
};

/// Server-sent events (WHATWG HTML, section 9.2), from bytes that arrive cut anywhere: lines end in
/// LF, CRLF or CR, lines that start with a colon are comments, a byte-order mark before the first
/// line is skipped. The same bytes give the same events however they were cut. `id` and `retry`
/// concern reconnecting, which a measuring client must not do, and are skipped.
///
/// Bytes are looked at, not copied, while an event lies whole in what was fed and has one data
/// line: the usual case of one event per read. Only an event cut by the end of the bytes, or one of
/// several lines, is gathered in a buffer of the decoder's own.
class SseDecoder {
 public:
  explicit SseDecoder(SseLimits limits = {}) : limits_(limits) {}

  /// The next bytes of the stream. They must stay where they are until next() has said that there
  /// are no more events, which has to happen before the next feed().
  void feed(std::string_view bytes);

  /// The next whole event; nothing when more bytes are needed. Its views live until the next call
  /// of next() or feed(). An error, a line or an event past its limit, is final.
  Result<std::optional<SseEvent>> next();

  /// Whether the stream, ending here, ends inside a line or an event: it was cut. Asked after
  /// next() returned nothing.
  bool inside_event() const { return has_data_ || !type_.empty() || !line_.empty(); }

  /// For the next response: everything forgotten except the buffers' memory.
  void reset();

 private:
  std::optional<std::string_view> take_line();
  bool take_field(std::string_view line);
  void keep_data();
  std::string_view data() const { return data_is_kept_ ? std::string_view(joined_) : data_; }

  SseLimits limits_;
  std::string_view input_;  // what is left of the bytes fed
  std::size_t lf_ = 0;      // distance to the next LF in input_; npos when there is none
  std::string line_;        // start of a line that the end of the bytes cut
  std::string whole_line_;  // such a line once its end has come
  bool line_was_cut_ = false;
  std::string_view data_;  // of the event so far, while it lies in the bytes fed
  std::string joined_;
  std::string type_;
  std::string told_type_;
  bool has_data_ = false;
  bool data_is_kept_ = false;  // it lies in joined_
  bool skip_lf_ = false;       // the last line ended in CR: an LF that follows belongs to it
  bool first_line_ = true;
  std::optional<Error> failed_;
};

}  // namespace kneepoint::http
