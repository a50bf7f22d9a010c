#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace kneepoint::emulator {

enum class FaultKind {
  Refuse,       // the connection is refused; of a share, reset when it is made
  Reject,       // a status of 4xx at once, 429 unless told
  Fail,         // a status of 5xx at once, 500 unless told
  Stall,        // after some tokens nothing more comes, and the connection stays open
  Cut,          // after some tokens the connection is closed
  StreamError,  // after some tokens an error as data, in a stream whose status is 200
  WrongUsage,   // usage counts tokens that were not there
  SlowStart,    // 503 for this long after the start
  NoKeepAlive,  // promises to keep the connection and closes it
  DieAfter,     // after so many requests the server dies in the middle of the next
};

struct Fault {
  FaultKind kind = FaultKind::Refuse;
  double share = 1;  // of the requests it hits
  int status = 0;    // Reject, Fail
  std::optional<std::int64_t>
      number;     // tokens before Stall, Cut, StreamError; requests of DieAfter
  Nanos time{0};  // SlowStart
};

/// As a flag says it: "reject:429@0.1", "stall@0.02", "cut:5", "slow-start:5s". After the colon the
/// status, tokens, requests or time; after the @ the share of the requests, 1 without.
Result<Fault> parse_fault(std::string_view text);

/// What happens to one request.
struct Fate {
  int status = 0;                   // refused with this
  std::optional<FaultKind> breaks;  // Stall, Cut or StreamError
  std::int64_t after = 0;           // tokens before it breaks
  bool wrong_usage = false;
  bool closes = false;  // the connection, although promised
  bool dies = false;    // with the whole server, after the first token
};

/// Faults that a test of clients asks for, drawn by seed: the n-th request has the same fate in
/// every run.
class FaultPlan {
 public:
  FaultPlan() = default;
  FaultPlan(std::vector<Fault> faults, std::uint64_t seed)
      : faults_(std::move(faults)), seed_(seed) {}

  Fate fate(std::uint64_t request, std::int64_t output_tokens) const;
  /// Every connection: the port is taken and nobody listens.
  bool refuses_all() const;
  /// Whether the n-th connection is reset.
  bool resets(std::uint64_t connection) const;
  Nanos slow_start() const;

 private:
  const Fault* find(FaultKind kind) const;

  std::vector<Fault> faults_;
  std::uint64_t seed_ = 0;
};

}  // namespace kneepoint::emulator
