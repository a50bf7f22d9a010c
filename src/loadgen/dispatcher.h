#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "base/units.h"
#include "loadgen/target.h"
#include "workload/generator.h"

namespace kneepoint::loadgen {

/// A request that goes now.
struct Dispatch {
  workload::RequestPlan plan;
  std::string wire;
  Nanos due{};
  /// When we were free to send it: when due, or when it got its place under the cap. Later than
  /// this, it is our own lateness.
  Nanos free{};
  /// Later turns of its session, last one first; handed back when it has ended.
  std::vector<workload::RequestPlan> later;
};

/// Decides which request goes when, by what the plan says and what is out. Knows neither clock nor
/// socket: it is told the time, since the start of the run, which never goes back. Requests are
/// written ahead of their time, a bounded number of bytes of them.
class Dispatcher {
 public:
  /// `cap`: most requests out at once.
  Dispatcher(workload::Generator generator, RequestWriter& writer, std::int64_t cap);

  /// Writes requests ahead of their time, at most so many, where there is room.
  Result<void> prepare(int most = 1 << 20);

  /// The next request that is due and may go; nothing when none is.
  Result<std::optional<Dispatch>> take(Nanos now);
  /// When take() would have something, places allowing; kNever when all is sent.
  Nanos next_due() const;

  /// A request is over: its place is free, its session goes on.
  void ended(Dispatch& dispatch, Nanos end, Nanos now);
  /// Nothing more is sent.
  void stop();

  std::int64_t in_flight() const { return in_flight_; }
  bool is_full() const { return in_flight_ >= cap_; }
  /// Whether requests that were due had to wait for a place.
  std::int64_t waited_for_place() const { return waited_; }
  /// Nothing is left to be sent, also not after an answer that is awaited.
  bool exhausted() const;

 private:
  struct Prepared {
    workload::RequestPlan plan;
    std::string wire;
    std::vector<workload::RequestPlan> later;
  };
  struct Thinking {
    Nanos due;
    std::int64_t index;
    Prepared prepared;
    friend bool operator>(const Thinking& a, const Thinking& b) {
      return a.due != b.due ? a.due > b.due : a.index > b.index;
    }
  };
  Result<bool> prepare_one();
  std::optional<workload::RequestPlan> next_plan();

  workload::Generator generator_;
  RequestWriter& writer_;
  std::int64_t cap_;
  std::optional<workload::RequestPlan> ahead_;  // first turn of the next session
  bool planned_all_ = false;
  std::deque<Prepared> upcoming_;
  std::size_t upcoming_bytes_ = 0;
  std::vector<Thinking> thinking_;  // a heap, the earliest first
  std::int64_t in_flight_ = 0;
  std::int64_t sessions_out_ = 0;  // with turns still to come
  std::int64_t waited_ = 0;
  Nanos full_until_{};
  bool stopped_ = false;
};

}  // namespace kneepoint::loadgen
