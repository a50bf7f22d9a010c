#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/units.h"
#include "metrics/coarse_histogram.h"
#include "metrics/histogram.h"

namespace kneepoint::metrics {

/// How a request ended. A failed request is data, not an error of ours.
enum class Outcome {
  Completed,  // the whole answer came, however short
  Rejected,   // turned away before any work: 429, 503 with a reason, no connection
  Failed,     // an error status, an error event in the stream, or a stream that broke off
  TimedOut,   // our own patience ended
  Cancelled,  // given up on purpose: the run ended, the user model left
};
inline constexpr std::array kOutcomes{Outcome::Completed, Outcome::Rejected, Outcome::Failed,
                                      Outcome::TimedOut, Outcome::Cancelled};
std::string_view name(Outcome outcome);  // "completed", "rejected", "failed", "timed-out", ...

/// One event of a stream that carried output, in eight bytes: a run holds millions.
class TokenEvent {
 public:
  static constexpr Nanos kLatest{(std::int64_t{1} << 44) - 1};  // 4.9 hours
  static constexpr std::int64_t kMostTokens = (1 << 20) - 1;

  /// `tokens` 0 when the server does not say how many this event carries; in a stream whose other
  /// events say, it carried none. What does not fit becomes the greatest that does, and a time
  /// before the request was due the time it was due.
  TokenEvent(Nanos after_due, std::int64_t tokens);

  Nanos after_due() const { return Nanos(static_cast<std::int64_t>(after_due_)); }
  std::int64_t tokens() const { return static_cast<std::int64_t>(tokens_); }
  friend bool operator==(const TokenEvent&, const TokenEvent&) = default;

 private:
  std::uint64_t after_due_ : 44;
  std::uint64_t tokens_ : 20;
};
static_assert(sizeof(TokenEvent) == 8);

/// The server's own count (`usage` of its answer).
struct Usage {
  Tokens input;
  Tokens output;  // reasoning included
  Tokens reasoning;
  friend bool operator==(const Usage&, const Usage&) = default;
};

/// What happened to one request. Times are from the start of the run, of one clock. Events ascend.
/// An answer that was not streamed is one event at its end.
struct Timeline {
  Nanos due{};  // by the arrival schedule; in a closed loop when its client was free
  std::optional<Nanos> sent;
  std::optional<Nanos> first_byte;  // of the answer: its headers
  Nanos end{};                      // last byte, error or giving up
  Outcome outcome = Outcome::Completed;
  bool streamed = true;
  std::optional<Usage> usage;
  std::vector<TokenEvent> events;
};

/// Where the number of output tokens comes from, the best there is.
enum class TokenSource {
  Usage,   // the server's total
  Events,  // the events, each with the tokens it says it carries, else one
};
std::string_view name(TokenSource source);  // "usage", "events"

TokenSource token_source(const Timeline& timeline);
Tokens output_tokens(const Timeline& timeline);
/// The server gave both a total and tokens per event, and they differ.
bool token_counts_disagree(const Timeline& timeline);

// The metrics of one request as docs/metrics defines them: from when it was due, nothing where the
// formula has no meaning. The outcome is not looked at: whose latency counts is up to the caller.

/// Due to first output token. Nothing for an answer that was not streamed.
std::optional<Nanos> ttft(const Timeline& timeline);
/// Due to last output token.
std::optional<Nanos> e2e(const Timeline& timeline);
/// (e2e - TTFT) / (output tokens - 1). Nothing for fewer than two tokens, nor for more when they
/// came in one event: then the time between them was not seen.
std::optional<Nanos> tpot(const Timeline& timeline);
/// e2e / output tokens.
std::optional<Nanos> ntpot(const Timeline& timeline);
/// How late we were ourselves: sent - due.
std::optional<Nanos> send_delay(const Timeline& timeline);

/// How a server groups tokens into events, seen over a run. Gaps between events are gaps between
/// tokens only when it sends them one by one.
struct StreamingPattern {
  enum class Kind {
    Unknown,  // nothing to tell it from: no usage, no tokens per event, or answers too short
    One,      // every token in its own event
    EveryN,   // n tokens at a time (vLLM's stream interval); the first may come alone
    Mixed,    // changing numbers: speculative decoding, a client or proxy that joins events
  };
  Kind kind = Kind::Unknown;
  double tokens_per_event = 1;  // n of EveryN, the mean otherwise
  bool first_alone = true;      // EveryN: the first event carries one token

  /// Gaps within an event were not seen: they count as even, so percentiles of ITL are those of
  /// gaps / n. Reports mark them.
  bool itl_marked() const { return kind == Kind::EveryN || kind == Kind::Mixed; }
  friend bool operator==(const StreamingPattern&, const StreamingPattern&) = default;
};
/// "one token per event", "4 tokens per event", "1.7 tokens per event, mixed", "tokens per event
/// unknown".
std::string describe(const StreamingPattern& pattern);

/// Over the completed streamed answers. Tokens per event come from the events where they say, else
/// from usage over events. A kind is named when 19 of 20 answers agree with it: a server keeps back
/// bytes of an unfinished character and counts its end token, so single ones differ by one.
StreamingPattern streaming_pattern(std::span<const Timeline> timelines);

/// Adds the ITLs of one request, one for each token after the first event: a gap between two events
/// is divided by the tokens of the later one and counts that often. Where events do not say how
/// many they carry, `pattern` and usage do: with a Mixed one every gap is taken for the mean number
/// of the request, so that its mean ITL is its TPOT. Nothing for an answer that was not streamed.
void add_itl(const Timeline& timeline, const StreamingPattern& pattern, Histogram& itl);
void add_itl(const Timeline& timeline, const StreamingPattern& pattern, CoarseHistogram& itl);
/// The greatest of the same gaps.
std::optional<Nanos> longest_itl(const Timeline& timeline, const StreamingPattern& pattern);

}  // namespace kneepoint::metrics
