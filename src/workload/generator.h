#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "workload/spec.h"

namespace kneepoint::workload {

/// When a request is to be sent.
enum class Due {
  At,        // at a time counted from the start of the run
  WhenFree,  // closed loop: as soon as fewer than RunSpec::in_flight are out
  After,     // a time after the answer to the turn before it ended (or failed)
};

/// One request to be made.
struct RequestPlan {
  std::int64_t index = 0;  // 0, 1, 2 ... in the order they are planned
  Due due = Due::At;
  Nanos at{};  // Due::At: since the start; Due::After: the time to think; else zero

  std::int64_t session = 0;  // without sessions in the spec each request is one of its own
  int turn = 0;              // the turns of a session follow one another in the plan
  int turns = 1;             // of this session

  std::optional<std::int64_t> prefix_group;
  std::int64_t prompt = 0;  // two sessions with one prompt number say the same words
  Tokens prefix;            // shared by the group; the same tokens for every session in it
  Tokens history;           // of the turns before: what they asked and were to answer
  Tokens input;             // new in this turn
  Tokens output;            // to be asked for
  /// The input's blocks where a trace has them (TraceRow::blocks): the same number, the same
  /// tokens.
  std::vector<std::int64_t> blocks{};

  /// What the server is sent, all in all.
  Tokens prompt_tokens() const { return prefix + history + input; }

  friend bool operator==(const RequestPlan&, const RequestPlan&) = default;
};

/// The requests of a run, one after the other; the same spec gives the same sequence. It never
/// looks at a clock or at how a request went, so it holds for a measured run and for a simulated
/// one. One thread.
///
/// Each part draws from its own stream: another distribution of lengths leaves every due time,
/// every group and every number of turns as they were.
///
/// Due::At times never decrease. With a duration no request is planned for a time at or past it; a
/// closed loop has no times, and whoever runs it stops at the duration.
class Generator {
 public:
  /// Checks the spec and reads the files it names.
  static Result<Generator> open(const RunSpec& spec);
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;
  ~Generator();

  /// Nothing when the run has no further request, and from then on.
  std::optional<RequestPlan> next();

 private:
  struct State;
  explicit Generator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kneepoint::workload
