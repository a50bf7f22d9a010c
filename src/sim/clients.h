#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "base/units.h"
#include "workload/generator.h"

namespace kneepoint::sim {

/// The clients of a run: decides which request goes out next and when, by the rules of the run spec
/// and by which answers have ended. The requests are the generator's.
///
/// A later turn of a session is due its time to think after the answer before it. Where no more
/// than `in_flight` may be out, whatever was due first goes first; in a closed loop new sessions
/// begin when nothing due is waiting, and a user who thinks holds no place. Past the spec's
/// duration nothing becomes due. One thread; no clock of its own.
class Clients {
 public:
  Clients(const workload::RunSpec& spec, workload::Generator generator);

  struct Request {
    workload::RequestPlan plan;
    Nanos due{};
    std::uint32_t session = kNone;  // to hand to ended()
  };

  /// The next request that can go out by `now`, and so counts as out from here on.
  std::optional<Request> next(Nanos now);
  /// When the next one can go out, if no answer ends before; nothing if only an ended answer, or
  /// nothing at all, lets one go. Not before `now` for requests that are due already.
  std::optional<Nanos> next_due(Nanos now) const;
  /// False where next() has nothing for sure.
  bool may_have(Nanos now) const { return soonest_ <= now && !stopped_ && !full(); }
  /// As next_due(); Nanos::max() for nothing.
  Nanos next_due_or_never(Nanos now) const {
    if (stopped_ || full()) return Nanos::max();
    return soonest_ > now ? soonest_ : next_due(now).value_or(Nanos::max());
  }
  /// An answer (or failure) came.
  void ended(std::uint32_t session, Nanos now);
  /// No further request goes out.
  void stop() { stopped_ = true; }

  std::int64_t out() const { return out_; }

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

 private:
  struct Session {
    std::vector<workload::RequestPlan> turns;  // to come, the next one last
  };
  struct Turn {
    Nanos due{};
    std::int64_t index = 0;
    std::uint32_t session = kNone;
    bool operator>(const Turn& other) const {
      return due != other.due ? due > other.due : index > other.index;
    }
  };

  void look_ahead();
  void note_soonest();
  bool full() const { return most_out_ > 0 && out_ >= most_out_; }

  workload::Generator generator_;
  std::int64_t most_out_ = 0;  // 0: any number
  std::optional<Nanos> end_;
  std::optional<workload::RequestPlan> ahead_;   // the first turn of the next session
  std::optional<workload::RequestPlan> beyond_;  // read past the end of a session
  std::vector<workload::RequestPlan> rest_;      // the turns that follow ahead_
  std::vector<Session> sessions_;
  std::vector<std::uint32_t> unused_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  Nanos soonest_{};  // nothing is due before
  std::int64_t out_ = 0;
  bool stopped_ = false;
};

}  // namespace kneepoint::sim
