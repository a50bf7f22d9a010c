#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/units.h"

namespace kneepoint::emulator {

/// When each of many streams is due next. Setting, moving and firing a timer costs a few
/// nanoseconds and no memory, where a heap would cost its depth and a wake-up of the thread each
/// time: due times are rounded up to ticks of a quarter of a millisecond, so that timers close
/// together fire in one go. In order of ticks, and within one in the order they were set.
///
/// A hashed wheel (Varghese and Lauck, 1987, scheme 6): a timer more than one turn (1.07 s) away
/// lies in its slot and is passed over until its turn comes. Times are nanoseconds of one clock.
class TimerWheel {
 public:
  using Id = std::uint32_t;  // the caller's: small numbers, one timer each
  static constexpr int kTickBits = 18;
  static constexpr Nanos kTick{std::int64_t{1} << kTickBits};

  explicit TimerWheel(Nanos now = Nanos(0)) : tick_(tick_of(now)) {}

  /// Replaces the id's timer. A time that is past fires with the next advance().
  void set(Id id, Nanos when);
  void cancel(Id id);

  /// When advance() may have something to fire; nothing without timers. May be early, never late.
  std::optional<Nanos> next() const;

  /// Calls fire(id) for all that is due. It may set and cancel timers; one that it sets for a time
  /// already past fires with the next advance().
  template <class Fire>
  void advance(Nanos now, Fire&& fire) {
    const std::int64_t until = now.count() >> kTickBits;
    while (tick_ <= until) {
      if (count_ == 0) {
        tick_ = until + 1;
        return;
      }
      skip_empty(until);
      if (tick_ > until) return;
      take_slot();
      ++tick_;  // what fire() sets for a time past goes to the next tick
      for (const Id id : firing_) {
        Timer& timer = timers_[id];
        if (timer.state != State::Firing) continue;  // cancelled or set anew meanwhile
        timer.state = State::Off;
        fire(id);
      }
      firing_.clear();
    }
  }

  std::size_t size() const { return count_; }

 private:
  static constexpr std::size_t kSlots = 4096;
  static constexpr Id kNone = ~Id{0};
  enum class State : std::uint8_t { Off, Set, Firing };
  struct Timer {
    std::int64_t tick = 0;
    Id next = kNone;
    Id previous = kNone;
    State state = State::Off;
  };
  struct Slot {
    Id first = kNone;
    Id last = kNone;
  };

  static std::int64_t tick_of(Nanos when) {
    return (when.count() + kTick.count() - 1) >> kTickBits;
  }
  void unlink(Id id);
  void take_slot();
  void skip_empty(std::int64_t until);
  std::int64_t first_used_tick() const;

  std::int64_t tick_;  // the next to be looked at
  std::size_t count_ = 0;
  std::vector<Timer> timers_;
  std::array<Slot, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> used_{};  // a bit for each slot with timers
  std::vector<Id> firing_;
};

}  // namespace kneepoint::emulator
