#include "loadgen/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace kneepoint::loadgen {
namespace {

using metrics::Outcome;

// An answer that is no stream is kept to be read at its end; an error of it only to be quoted.
constexpr std::size_t kMostBody = std::size_t{16} << 20;
constexpr std::size_t kMostErrorBody = std::size_t{16} << 10;
constexpr std::size_t kExample = 300;

/// One line for a table: what steers a terminal is left out.
std::string shortened(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kExample)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  if (text.size() <= kExample) return out;
  // A character that the cut went through goes altogether.
  while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0U) == 0x80) out.pop_back();
  if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0xc0) out.pop_back();
  return out + " ...";
}

bool turned_away(std::int64_t code) { return code == 429 || code == 503; }

}  // namespace

void Answer::start(Nanos due) {
  timeline.due = due;
  timeline.sent.reset();
  timeline.first_byte.reset();
  timeline.end = due;
  timeline.outcome = Outcome::Completed;
  timeline.streamed = true;
  timeline.usage.reset();
  timeline.events.clear();
  sse_.reset();
  status_ = 0;
  event_stream_ = done_ = has_error_ = usage_on_each_ = false;
  error_code_.reset();
  error_.clear();
  broken_.clear();
  finish_reason_.clear();
  body_.clear();
  counted_ = 0;
}

void Answer::on_head(int status, bool event_stream) {
  status_ = status;
  event_stream_ = event_stream && status < 300;
}

std::uint32_t Answer::on_body(std::string_view bytes, Nanos at, http::StreamChunkDecoder& chunks) {
  if (!timeline.first_byte) timeline.first_byte = at;
  if (!event_stream_) {
    const std::size_t most = status_ < 300 ? kMostBody : kMostErrorBody;
    body_ += bytes.substr(0, most - std::min(most, body_.size()));
    return 0;
  }
  if (!broken_.empty()) return 0;
  const std::size_t before = timeline.events.size();
  sse_.feed(bytes);
  while (true) {
    const auto event = sse_.next();
    if (!event) {
      broken_ = event.error().message;
      break;
    }
    if (!*event) break;
    if ((*event)->data.empty()) continue;
    const auto chunk = chunks.decode((*event)->data);
    if (!chunk) {
      broken_ = chunk.error().message;
      break;
    }
    take(**chunk, at);
  }
  return static_cast<std::uint32_t>(timeline.events.size() - before);
}

/// How many tokens the server says this chunk carries; 0 when it does not.
std::int64_t Answer::tokens_of(const http::StreamChunk& chunk) {
  std::int64_t ids = 0;
  for (const http::ChoiceDelta& choice : chunk.choices) ids += choice.token_ids;
  if (ids > 0 && !chunk.cumulative) return ids;
  // A count on the last chunk alone is the total; one on each, from the first on, runs along.
  if (timeline.events.empty()) usage_on_each_ = chunk.usage.has_value() || chunk.cumulative;
  if (!usage_on_each_) return 0;
  const std::int64_t so_far = chunk.usage ? chunk.usage->completion.count() : ids;
  const std::int64_t before = std::exchange(counted_, std::max(counted_, so_far));
  return std::max<std::int64_t>(0, so_far - before);
}

void Answer::take(const http::StreamChunk& chunk, Nanos at) {
  if (chunk.done) {
    done_ = true;
    return;
  }
  if (chunk.error && !has_error_) {
    has_error_ = true;
    error_code_ = chunk.error->code;
    error_ = chunk.error->message.empty() ? chunk.error->type : chunk.error->message;
  }
  for (const http::ChoiceDelta& choice : chunk.choices) {
    if (!choice.finish_reason.empty()) finish_reason_ = choice.finish_reason;
  }
  if (chunk.has_output()) timeline.events.emplace_back(at - timeline.due, tokens_of(chunk));
  if (chunk.usage) {
    timeline.usage = metrics::Usage{.input = chunk.usage->prompt,
                                    .output = chunk.usage->completion,
                                    .reasoning = chunk.usage->reasoning.value_or(Tokens(0))};
  }
}

Verdict Answer::on_end(const http::Ending& ending, Nanos end, http::StreamChunkDecoder& chunks) {
  timeline.end = end;
  status_ = ending.status;
  if (!event_stream_ && ending.outcome == http::Outcome::Complete) {
    timeline.streamed = false;
    const auto chunk = chunks.decode(body_);
    if (chunk) {
      take(**chunk, end);
    } else if (status_ < 300) {
      broken_ = chunk.error().message;
    }
    if (!chunk || error_.empty()) error_ = shortened(body_);
  }
  Verdict verdict = judge(ending);
  verdict.example = shortened(verdict.example);
  timeline.outcome = verdict.outcome;
  return verdict;
}

Verdict Answer::judge(const http::Ending& ending) {
  if (ending.outcome == http::Outcome::NotConnected) {
    return {Outcome::Rejected, "no connection", ending.reason};
  }
  if (status_ >= 300) {
    return {turned_away(status_) ? Outcome::Rejected : Outcome::Failed,
            fmt::format("status {}", status_), error_};
  }
  if (has_error_) {
    const std::string code = error_code_ ? fmt::format(" {}", *error_code_) : "";
    return {error_code_ && turned_away(*error_code_) ? Outcome::Rejected : Outcome::Failed,
            fmt::format("error{} in an answer of status {}", code, status_), error_};
  }
  if (finish_reason_ == "abort" || finish_reason_ == "error") {
    return {Outcome::Failed, fmt::format("finish reason {}", finish_reason_), ""};
  }
  if (!broken_.empty()) return {Outcome::Failed, "unreadable answer", broken_};
  // What comes after its end cannot spoil an answer: some servers then just close.
  const bool said_its_end = event_stream_ && (done_ || !finish_reason_.empty());
  if (said_its_end) return {};
  switch (ending.outcome) {
    case http::Outcome::Complete:
      break;
    case http::Outcome::TimedOut:
      return {Outcome::TimedOut, ending.reason, ""};
    case http::Outcome::Cancelled:
      return {Outcome::Cancelled, "cancelled", ""};
    case http::Outcome::Cut:
    case http::Outcome::NotHttp:
    case http::Outcome::NotConnected:
      return {Outcome::Failed,
              timeline.events.empty() ? std::string(http::name(ending.outcome))
                                      : fmt::format("{} in mid-stream", http::name(ending.outcome)),
              ending.reason};
  }
  if (!event_stream_) {
    if (timeline.events.empty() && !timeline.usage) {
      return {Outcome::Failed, "an answer without output", error_};
    }
    return {};
  }
  return {Outcome::Failed, "a stream that ended without [DONE] or a finish reason", ""};
}

}  // namespace kneepoint::loadgen
