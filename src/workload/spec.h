#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/units.h"
#include "workload/length.h"
#include "workload/think_time.h"

/// What is asked and when, as one value. The load generator sends it and the simulator plays it;
/// neither adds anything to it. A file of it is docs/schema/run-spec.v1.json.
namespace kneepoint::workload {

inline constexpr std::string_view kRunSpecSchema = "kneepoint.run-spec.v1";

enum class ArrivalPattern { Constant, Poisson, Gamma, Trace };

/// The rate starts at `from` and reaches the arrivals' own after `over`.
struct Ramp {
  double from = 0;  // requests per second
  Nanos over{};

  friend bool operator==(const Ramp&, const Ramp&) = default;
};

/// Open loop: requests are due at times of their own, whether the server keeps up or not.
struct Arrivals {
  ArrivalPattern pattern = ArrivalPattern::Poisson;
  double rate = 1;        // per second: sessions where there are any, else requests. Not a trace's
  double burstiness = 1;  // gamma only
  std::optional<Ramp> ramp{};  // not a trace's
  std::string file{};          // trace only: its times
  double speed = 1;            // trace only: 2 plays it in half the time

  friend bool operator==(const Arrivals&, const Arrivals&) = default;
};

/// How long requests and answers are: drawn apart, or as they stand together in the rows of a file.
struct Lengths {
  enum class Order { File, Random };

  LengthSpec input, output;
  std::string pairs;          // a file (trace.h); input and output are then not used
  Order order = Order::File;  // of pairs; File starts again after the last row

  friend bool operator==(const Lengths&, const Lengths&) = default;
};

/// Sessions of one group begin with the same tokens. The prefix comes before the drawn input.
struct Prefix {
  std::int64_t groups = 1;
  std::int64_t tokens = 1;  // of each group's prefix, exactly
  /// Each group has so many prompts, asked again and again: whole passes over all of them, each in
  /// a new order. None: every prompt is new, and a pass is over the groups.
  std::optional<std::int64_t> prompts_per_group{};

  friend bool operator==(const Prefix&, const Prefix&) = default;
};

/// Conversations: each turn sends what was said before and goes on.
struct Sessions {
  LengthSpec turns;  // how many; fixed, uniform, normal or lognormal
  ThinkTime think;   // from the end of an answer to the next turn

  friend bool operator==(const Sessions&, const Sessions&) = default;
};

struct RunSpec {
  std::uint64_t seed = 0;
  /// Open loop, closed loop, or both: at least one. In a closed loop `in_flight` requests are out
  /// at any time and an ended one lets the next go. With both, requests are due by the arrivals but
  /// never more than `in_flight` are out; one that has to wait is late, and its clock runs.
  std::optional<Arrivals> arrivals;
  std::optional<std::int64_t> in_flight;
  Lengths lengths;
  std::optional<Prefix> prefix;
  std::optional<Sessions> sessions;
  /// The run ends with the first of these, or with the trace its arrivals follow. One there must
  /// be.
  std::optional<std::int64_t> requests;
  std::optional<Nanos> duration;

  friend bool operator==(const RunSpec&, const RunSpec&) = default;
};

inline constexpr std::int64_t kMostInFlight = 1'000'000;
inline constexpr std::int64_t kMostRequests = 1'000'000'000;
inline constexpr std::int64_t kMostPrompts = 10'000'000;
inline constexpr std::int64_t kMostTurns = 10'000;

/// Whether the parts fit together and every number is in its range; the error names the member as
/// the JSON form does ("sessions.turns"). Files are not opened.
Result<void> check(const RunSpec& spec);

/// Strict: unknown members, wrong types and numbers out of range are refused by name.
Result<RunSpec> parse_run_spec(std::string_view text);
Result<RunSpec> from_json(const json::Value& value);
/// Members in schema order, those that say nothing left out. from_json() gives the same value.
json::Value to_json(const RunSpec& spec);

}  // namespace kneepoint::workload
