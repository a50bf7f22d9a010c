#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/units.h"

struct epoll_event;  // NOLINT(readability-identifier-naming): the system's

namespace kneepoint::http {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

struct Ready {
  bool readable = false;
  bool writable = false;
  bool ended = false;  // the other side will send no more; what it sent is still to be read
};

/// Told by the loop that something can be done with its descriptor. It may unwatch itself and
/// others meanwhile.
class Watcher {
 public:
  virtual void on_ready(Ready ready) = 0;

 protected:
  ~Watcher() = default;
};

struct LoopOptions {
  /// Sockets are looked at when something is there, but then not again for this long: what came
  /// meanwhile is read in one go. One read per event costs more than all else a client does; the
  /// kernel's receive times keep the measurement from becoming coarser. 0 looks at once. Connecting
  /// and writing do not wait.
  Nanos read_every = std::chrono::milliseconds(1);
};

struct LoopStats {
  std::uint64_t turns = 0;
  std::uint64_t polls = 0;  // turns in which the sockets were looked at
};

/// Sockets and timers of one thread, which alone may use it, post() and stop() excepted. Timers are
/// served between reads, so a request leaves when it is due whatever read_every says.
class Loop {
 public:
  using Task = std::function<void()>;
  using TimerId = std::uint64_t;

  static Result<std::unique_ptr<Loop>> open(LoopOptions options = {});
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Time now() const { return Clock::now(); }
  /// When the last wait ended: a time before now() that costs nothing.
  Time lately() const { return woke_; }
  /// What CLOCK_REALTIME was ahead of now() in this turn: the kernel stamps packets by that clock.
  Nanos realtime_ahead();

  TimerId at(Time when, Task task);
  void cancel(TimerId timer);
  /// At the end of this turn: for what must not happen inside the call that causes it.
  void defer(Task task);
  /// From any thread; runs in the loop's, in order.
  void post(Task task);

  using WatchId = std::uint64_t;
  Result<WatchId> watch(int descriptor, Watcher& watcher, bool writable);
  void want_writable(WatchId watch, bool writable);
  /// From here on readable is told when something comes in, not for as long as it lies there: the
  /// watcher reads all there is, at the end of a stream until it ends. What lies there now is told.
  /// Saves the kernel a second look at each socket.
  void tell_once(WatchId watch);
  void unwatch(WatchId watch);

  /// Until stop(), which may also be called by another thread.
  void run();
  void stop();
  /// Until it holds, asked after each turn, or until the time; whether it held.
  bool run_until(const std::function<bool()>& holds, Time latest);

  const LoopStats& stats() const { return stats_; }

 private:
  struct State;
  explicit Loop(LoopOptions options);
  void turn(Time latest);
  void tell(std::span<const epoll_event> ready);
  void run_posted();
  void run_timers();
  void run_deferred();

  LoopOptions options_;
  LoopStats stats_;
  Time woke_;
  std::unique_ptr<State> state_;
};

}  // namespace kneepoint::http
