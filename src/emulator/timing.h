#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "emulator/engine_state.h"
#include "emulator/words.h"

namespace kneepoint::emulator {

/// A request in the emulator, from submit() to its last token or cancel().
using Ticket = std::uint32_t;  // small numbers, given again when free

/// What a source of timing has to know of a request.
struct Job {
  std::uint64_t number = 0;  // requests in the order they came, from 0: names its random streams
  Nanos received{};          // on the clock of advance()
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 1;  // at least one; then it is over
  std::vector<TokenId> prompt{};   // only when wants_prompt()
  AnswerWords answer{};            // what it will say
};

/// Told, inside advance(), what happens to requests.
class TokenSink {
 public:
  /// It left the queue and is being worked on, after so long. At most once, before its first token.
  virtual void started(Ticket ticket, Nanos waited) = 0;
  /// Its next tokens are there. With the last of Job::output_tokens the ticket is free. The sink
  /// may cancel any ticket and submit others from in here.
  virtual void tokens(Ticket ticket, std::int64_t count) = 0;

 protected:
  ~TokenSink() = default;
};

/// Decides when tokens leave: by a script (ScriptedTiming), or by an engine that works in steps, at
/// whose end many requests have a token at once. One thread; time is what the caller says it is, so
/// the same source runs on a real clock and on a made-up one.
class Timing {
 public:
  virtual ~Timing() = default;

  virtual bool wants_prompt() const { return false; }
  /// The error says why a request can never be served; then there is no ticket.
  virtual Result<void> submit(Ticket ticket, Job job) = 0;
  virtual void cancel(Ticket ticket) = 0;

  /// When advance() has something to do; may be early. Nothing: not before the next submit().
  virtual std::optional<Nanos> next() const = 0;
  virtual void advance(Nanos now, TokenSink& sink) = 0;

  /// What the server says of itself at this moment.
  virtual EngineState state() const = 0;
};

}  // namespace kneepoint::emulator
