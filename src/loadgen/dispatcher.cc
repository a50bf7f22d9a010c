#include "loadgen/dispatcher.h"

#include <algorithm>
#include <utility>

#include "workload/arrival.h"

namespace kneepoint::loadgen {
namespace {

using workload::Due;
using workload::kNever;
using workload::RequestPlan;

// Enough for the densest moment of a schedule, little enough to be written in no time.
constexpr std::size_t kAhead = 64;
constexpr std::size_t kAheadBytes = std::size_t{8} << 20;

}  // namespace

Dispatcher::Dispatcher(workload::Generator generator, RequestWriter& writer, std::int64_t cap)
    : generator_(std::move(generator)), writer_(writer), cap_(cap) {}

std::optional<RequestPlan> Dispatcher::next_plan() {
  if (ahead_) return std::exchange(ahead_, std::nullopt);
  if (planned_all_) return std::nullopt;
  auto plan = generator_.next();
  planned_all_ = !plan;
  return plan;
}

/// The plans of a session follow one another: all its turns are taken with its first.
Result<bool> Dispatcher::prepare_one() {
  auto first = next_plan();
  if (!first) return false;
  Prepared prepared{.plan = *first, .wire = {}, .later = {}};
  while (auto turn = next_plan()) {
    if (turn->due != Due::After) {
      ahead_ = std::move(turn);
      break;
    }
    prepared.later.push_back(std::move(*turn));
  }
  std::ranges::reverse(prepared.later);
  auto wire = writer_.wire(prepared.plan);
  if (!wire) return fail(std::move(wire.error()));
  prepared.wire = std::move(*wire);
  upcoming_bytes_ += prepared.wire.size();
  upcoming_.push_back(std::move(prepared));
  return true;
}

Result<void> Dispatcher::prepare(int most) {
  for (; most > 0 && upcoming_.size() < kAhead && upcoming_bytes_ < kAheadBytes; --most) {
    const auto made = prepare_one();
    if (!made) return fail(made.error());
    if (!*made) break;
  }
  return {};
}

Nanos Dispatcher::next_due() const {
  Nanos due = thinking_.empty() ? kNever : thinking_.front().due;
  if (!upcoming_.empty()) {
    const RequestPlan& plan = upcoming_.front().plan;
    due = std::min(due, plan.due == Due::At ? plan.at : Nanos(0));
  }
  return due;
}

Result<std::optional<Dispatch>> Dispatcher::take(Nanos now) {
  if (stopped_ || is_full()) return std::nullopt;
  if (upcoming_.empty()) {
    if (const auto made = prepare_one(); !made) return fail(made.error());
  }
  const bool thinks = !thinking_.empty() && thinking_.front().due <= now;
  const RequestPlan* next = upcoming_.empty() ? nullptr : &upcoming_.front().plan;
  const bool comes = next != nullptr && (next->due != Due::At || next->at <= now);
  if (!thinks && !comes) return std::nullopt;

  Dispatch out;
  const auto fill = [&](Prepared& from, Nanos due) {
    out.plan = from.plan;
    out.wire = std::move(from.wire);
    out.later = std::move(from.later);
    out.due = due;
  };
  // Who came first goes first. A closed loop's own requests are never due before they can go.
  if (thinks && (!comes || next->due != Due::At || thinking_.front().due <= next->at)) {
    std::ranges::pop_heap(thinking_, std::greater<>());
    fill(thinking_.back().prepared, thinking_.back().due);
    thinking_.pop_back();
    --sessions_out_;
  } else {
    Prepared& front = upcoming_.front();
    upcoming_bytes_ -= front.wire.size();
    fill(front, front.plan.due == Due::At ? front.plan.at : now);
    upcoming_.pop_front();
  }
  out.free = std::max(out.due, std::min(full_until_, now));
  waited_ += out.free > out.due;
  if (!out.later.empty()) ++sessions_out_;
  ++in_flight_;
  return out;
}

void Dispatcher::ended(Dispatch& dispatch, Nanos end, Nanos now) {
  if (in_flight_ == cap_) full_until_ = now;
  --in_flight_;
  if (stopped_ || dispatch.later.empty()) return;
  // The turn waits in sessions_out_ until it is sent.
  Thinking turn{.due = {}, .index = 0, .prepared = {}};
  turn.prepared.plan = dispatch.later.back();
  dispatch.later.pop_back();
  turn.prepared.later = std::move(dispatch.later);
  // The user has the answer when it arrived, not when we looked; yet nobody asks before he knows.
  turn.due = std::max(end + turn.prepared.plan.at, now);
  turn.index = turn.prepared.plan.index;
  auto wire = writer_.wire(turn.prepared.plan);
  if (wire) turn.prepared.wire = std::move(*wire);
  thinking_.push_back(std::move(turn));
  std::ranges::push_heap(thinking_, std::greater<>());
}

void Dispatcher::stop() {
  stopped_ = true;
  planned_all_ = true;
  ahead_.reset();
  upcoming_.clear();
  upcoming_bytes_ = 0;
  thinking_.clear();
  sessions_out_ = 0;
}

bool Dispatcher::exhausted() const {
  return planned_all_ && !ahead_ && upcoming_.empty() && thinking_.empty() && sessions_out_ == 0;
}

}  // namespace kneepoint::loadgen
