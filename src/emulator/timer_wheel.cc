#include "emulator/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace kneepoint::emulator {
namespace {

constexpr std::size_t kWordBits = 64;

}  // namespace

void TimerWheel::set(Id id, Nanos when) {
  if (id >= timers_.size()) timers_.resize(std::max<std::size_t>(id + 1, timers_.size() * 2));
  if (timers_[id].state == State::Set) unlink(id);
  Timer& timer = timers_[id];
  timer.tick = std::max(tick_of(when), tick_);
  timer.state = State::Set;
  timer.next = kNone;
  const std::size_t place = static_cast<std::size_t>(timer.tick) % kSlots;
  Slot& slot = slots_[place];
  timer.previous = slot.last;
  (slot.last == kNone ? slot.first : timers_[slot.last].next) = id;
  slot.last = id;
  used_[place / kWordBits] |= std::uint64_t{1} << place % kWordBits;
  ++count_;
}

void TimerWheel::cancel(Id id) {
  if (id >= timers_.size()) return;
  if (timers_[id].state == State::Set) unlink(id);
  timers_[id].state = State::Off;
}

void TimerWheel::unlink(Id id) {
  const Timer& timer = timers_[id];
  const std::size_t place = static_cast<std::size_t>(timer.tick) % kSlots;
  Slot& slot = slots_[place];
  (timer.previous == kNone ? slot.first : timers_[timer.previous].next) = timer.next;
  (timer.next == kNone ? slot.last : timers_[timer.next].previous) = timer.previous;
  if (slot.first == kNone) used_[place / kWordBits] &= ~(std::uint64_t{1} << place % kWordBits);
  --count_;
}

/// Moves what is due in this tick to firing_; what waits for a later turn of the wheel stays.
void TimerWheel::take_slot() {
  Id id = slots_[static_cast<std::size_t>(tick_) % kSlots].first;
  while (id != kNone) {
    const Id next = timers_[id].next;
    if (timers_[id].tick <= tick_) {
      unlink(id);
      timers_[id].state = State::Firing;
      firing_.push_back(id);
    }
    id = next;
  }
}

/// The tick of the first slot, from this one on, that holds anything. There is one.
std::int64_t TimerWheel::first_used_tick() const {
  const std::size_t from = static_cast<std::size_t>(tick_) % kSlots;
  std::size_t word = from / kWordBits;
  std::uint64_t bits = used_[word] & (~std::uint64_t{0} << from % kWordBits);
  while (bits == 0) {
    word = (word + 1) % used_.size();
    bits = used_[word];
  }
  const std::size_t place = word * kWordBits + static_cast<std::size_t>(std::countr_zero(bits));
  return tick_ + static_cast<std::int64_t>((place + kSlots - from) % kSlots);
}

void TimerWheel::skip_empty(std::int64_t until) { tick_ = std::min(first_used_tick(), until + 1); }

std::optional<Nanos> TimerWheel::next() const {
  if (count_ == 0) return std::nullopt;
  return Nanos(first_used_tick() << kTickBits);
}

}  // namespace kneepoint::emulator
