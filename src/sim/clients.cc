#include "sim/clients.h"

#include <algorithm>
#include <utility>

namespace kneepoint::sim {

using workload::Due;
using workload::RequestPlan;

Clients::Clients(const workload::RunSpec& spec, workload::Generator generator)
    : generator_(std::move(generator)), most_out_(spec.in_flight.value_or(0)), end_(spec.duration) {
  look_ahead();
}

/// Reads the next session. Its later turns follow its first, so that the plan after it is read too.
void Clients::look_ahead() {
  ahead_ = beyond_ ? std::exchange(beyond_, std::nullopt) : generator_.next();
  rest_.clear();
  note_soonest();
  if (!ahead_ || ahead_->turns == 1) return;
  while ((beyond_ = generator_.next()) && beyond_->due == Due::After) rest_.push_back(*beyond_);
  std::ranges::reverse(rest_);
}

void Clients::note_soonest() {
  soonest_ = turns_.empty() ? Nanos::max() : turns_.top().due;
  if (ahead_) soonest_ = ahead_->due == Due::At ? std::min(soonest_, ahead_->at) : Nanos();
}

std::optional<Nanos> Clients::next_due(Nanos now) const {
  if (stopped_ || full()) return std::nullopt;
  std::optional<Nanos> due;
  if (!turns_.empty()) due = std::max(now, turns_.top().due);
  if (ahead_) {
    const bool at_any_time = ahead_->due == Due::WhenFree;
    if (at_any_time && end_ && now >= *end_) return due;
    const Nanos first = at_any_time ? now : std::max(now, ahead_->at);
    due = due ? std::min(*due, first) : first;
  }
  return due;
}

std::optional<Clients::Request> Clients::next(Nanos now) {
  if (stopped_ || full()) return std::nullopt;
  const bool turn_due = !turns_.empty() && turns_.top().due <= now;
  const bool timed = ahead_ && ahead_->due == Due::At;
  if (turn_due && !(timed && ahead_->at < turns_.top().due)) {
    const Turn turn = turns_.top();
    turns_.pop();
    auto& turns = sessions_[turn.session].turns;
    std::optional<Request> request(std::in_place, std::move(turns.back()), turn.due, turn.session);
    turns.pop_back();
    ++out_;
    note_soonest();
    return request;
  }
  if (!ahead_) return std::nullopt;
  if (timed ? ahead_->at > now : end_ && now >= *end_) return std::nullopt;

  const Nanos due = timed ? ahead_->at : now;
  std::optional<Request> request(std::in_place, std::move(*ahead_), due, kNone);
  if (!rest_.empty()) {
    if (unused_.empty()) {
      unused_.push_back(static_cast<std::uint32_t>(sessions_.size()));
      sessions_.emplace_back();
    }
    request->session = unused_.back();
    unused_.pop_back();
    sessions_[request->session].turns.swap(rest_);
  }
  look_ahead();
  ++out_;
  return request;
}

void Clients::ended(std::uint32_t session, Nanos now) {
  --out_;
  if (session == kNone) return;
  auto& turns = sessions_[session].turns;
  const Nanos due = turns.empty() ? Nanos() : now + turns.back().at;
  if (turns.empty() || (end_ && due >= *end_)) {
    turns.clear();
    unused_.push_back(session);
    return;
  }
  turns_.push({due, turns.back().index, session});
  soonest_ = std::min(soonest_, due);
}

}  // namespace kneepoint::sim
