#include "http/loop.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>
#include <queue>
#include <span>
#include <unordered_map>
#include <utility>

namespace kneepoint::http {
namespace {

constexpr std::uint64_t kWakeup = ~std::uint64_t{0};
constexpr std::uint64_t kUrgent = kWakeup - 1;

timespec to_timespec(Nanos span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
  return {.tv_sec = seconds.count(), .tv_nsec = (span - seconds).count()};
}

Nanos read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
}

struct Timer {
  Time when;
  Loop::TimerId id;  // grows, so that equal times keep their order

  friend bool operator>(const Timer& a, const Timer& b) {
    return std::pair(a.when, a.id) > std::pair(b.when, b.id);
  }
};

/// Cancelled timers stay in the queue until their time, which may be minutes: a client that sets
/// and cancels one for each request would fill memory with them. They go when they outnumber the
/// others.
class TimerQueue : public std::priority_queue<Timer, std::vector<Timer>, std::greater<>> {
 public:
  template <class Wanted>
  void keep_only(Wanted wanted) {
    std::erase_if(c, [&](const Timer& timer) { return !wanted(timer); });
    std::make_heap(c.begin(), c.end(), comp);
  }
};

/// An event names a place and how often that was given away, so that one for a descriptor already
/// unwatched in the same turn finds nobody.
struct Place {
  Watcher* watcher = nullptr;
  int descriptor = -1;
  std::uint32_t generation = 0;
  bool urgent = false;
};

std::uint64_t watch_id(std::size_t place, std::uint32_t generation) {
  return std::uint64_t{generation} << 32U | place;
}

}  // namespace

struct Loop::State {
  // What may rest is in the one, what may not (connecting, waiting for room to write, other
  // threads) in the other, which is itself in the first.
  int epoll = -1;
  int urgent = -1;
  int wakeup = -1;
  bool has_pwait2 = true;
  Time last_read;
  std::optional<Nanos> realtime_ahead;

  std::vector<Place> places;
  std::vector<std::size_t> free_places;

  TimerQueue timers;
  std::unordered_map<TimerId, Task> tasks;
  TimerId next_timer = 1;
  std::vector<Task> deferred;

  std::atomic<bool> stopped = false;
  std::mutex posted_lock;
  std::vector<Task> posted;

  std::array<epoll_event, 512> ready;
  bool urgent_is_ready = false;

  /// What is ready, or nothing by `latest`. Lies here until the next wait.
  std::span<const epoll_event> wait(int from, Time latest) {
    const int most = static_cast<int>(ready.size());
    const Nanos left = latest == Time::max()   ? Nanos::max()
                       : latest == Time::min() ? Nanos(0)
                                               : std::max(Nanos(0), latest - Clock::now());
    int count = -1;
    if (has_pwait2) {
      const timespec timeout = to_timespec(left);
      count = epoll_pwait2(from, ready.data(), most, left == Nanos::max() ? nullptr : &timeout,
                           nullptr);
      if (count < 0 && errno == ENOSYS) has_pwait2 = false;
    }
    if (!has_pwait2) {  // before Linux 5.11: milliseconds, rounded down so as not to be late
      const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
      count = epoll_wait(from, ready.data(), most,
                         left == Nanos::max() ? -1 : static_cast<int>(std::min(millis, 100'000L)));
    }
    return {ready.data(), static_cast<std::size_t>(std::max(count, 0))};
  }

  /// With thousands of sockets nothing of the next one is in the processor's cache; it can come
  /// while the one before is read.
  void fetch(WatchId watch) const {
    const std::size_t place = watch & 0xffffffffU;
    if (place >= places.size()) return;
    const char* watcher = reinterpret_cast<const char*>(places[place].watcher);
    for (std::size_t line = 0; line < 6; ++line) __builtin_prefetch(watcher + line * 64);
  }

  Place* find(WatchId watch) {
    const std::size_t place = watch & 0xffffffffU;
    if (place >= places.size() || places[place].generation != watch >> 32U) return nullptr;
    return places[place].watcher != nullptr ? &places[place] : nullptr;
  }
};

Loop::Loop(LoopOptions options) : options_(options), state_(std::make_unique<State>()) {}

Loop::~Loop() {
  if (state_->wakeup >= 0) close(state_->wakeup);
  if (state_->urgent >= 0) close(state_->urgent);
  if (state_->epoll >= 0) close(state_->epoll);
}

Result<std::unique_ptr<Loop>> Loop::open(LoopOptions options) {
  std::unique_ptr<Loop> loop(new Loop(options));
  State& state = *loop->state_;
  state.epoll = epoll_create1(EPOLL_CLOEXEC);
  state.urgent = epoll_create1(EPOLL_CLOEXEC);
  state.wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event wakeup{.events = EPOLLIN, .data = {.u64 = kWakeup}};
  epoll_event urgent{.events = EPOLLIN, .data = {.u64 = kUrgent}};
  if (state.epoll < 0 || state.urgent < 0 || state.wakeup < 0 ||
      epoll_ctl(state.urgent, EPOLL_CTL_ADD, state.wakeup, &wakeup) != 0 ||
      epoll_ctl(state.epoll, EPOLL_CTL_ADD, state.urgent, &urgent) != 0) {
    return fail(ErrorCode::Unavailable, fmt::format("open a socket loop: {}", strerror(errno)));
  }
  return loop;
}

Nanos Loop::realtime_ahead() {
  std::optional<Nanos>& ahead = state_->realtime_ahead;
  if (ahead) return *ahead;
  const Nanos before = read_clock(CLOCK_MONOTONIC);
  const Nanos real = read_clock(CLOCK_REALTIME);
  const Nanos after = read_clock(CLOCK_MONOTONIC);
  const Nanos found = real - before - (after - before) / 2;
  ahead = found;
  return found;
}

Loop::TimerId Loop::at(Time when, Task task) {
  const TimerId id = state_->next_timer++;
  state_->timers.push({when, id});
  state_->tasks.emplace(id, std::move(task));
  return id;
}

void Loop::cancel(TimerId timer) {
  State& state = *state_;
  state.tasks.erase(timer);
  if (state.timers.size() > 256 && state.timers.size() > 2 * state.tasks.size()) {
    state.timers.keep_only([&](const Timer& one) { return state.tasks.contains(one.id); });
  }
}

void Loop::defer(Task task) { state_->deferred.push_back(std::move(task)); }

void Loop::post(Task task) {
  {
    const std::lock_guard lock(state_->posted_lock);
    state_->posted.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  static_cast<void>(!write(state_->wakeup, &one, sizeof one));  // full: it is awake already
}

Result<Loop::WatchId> Loop::watch(int descriptor, Watcher& watcher, bool writable) {
  std::size_t place = state_->places.size();
  if (state_->free_places.empty()) {
    state_->places.emplace_back();
  } else {
    place = state_->free_places.back();
    state_->free_places.pop_back();
  }
  Place& taken = state_->places[place];
  taken.watcher = &watcher;
  taken.descriptor = descriptor;
  const WatchId id = watch_id(place, taken.generation);
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = id}};
  if (epoll_ctl(state_->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    const int reason = errno;
    taken.watcher = nullptr;
    state_->free_places.push_back(place);
    return fail(ErrorCode::Unavailable, fmt::format("watch a socket: {}", strerror(reason)));
  }
  want_writable(id, writable);
  return id;
}

void Loop::want_writable(WatchId watch, bool writable) {
  Place* place = state_->find(watch);
  if (place == nullptr || place->urgent == writable) return;
  place->urgent = writable;
  epoll_event event{.events = EPOLLOUT, .data = {.u64 = watch}};
  epoll_ctl(state_->urgent, writable ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, place->descriptor, &event);
}

void Loop::tell_once(WatchId watch) {
  const Place* place = state_->find(watch);
  if (place == nullptr) return;
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.u64 = watch}};
  epoll_ctl(state_->epoll, EPOLL_CTL_MOD, place->descriptor, &event);
}

void Loop::unwatch(WatchId watch) {
  Place* place = state_->find(watch);
  if (place == nullptr) return;
  want_writable(watch, false);
  epoll_ctl(state_->epoll, EPOLL_CTL_DEL, place->descriptor, nullptr);
  place->watcher = nullptr;
  ++place->generation;
  state_->free_places.push_back(watch & 0xffffffffU);
}

void Loop::run() {
  while (!state_->stopped.exchange(false)) turn(Time::max());
}

void Loop::stop() {
  state_->stopped = true;
  post([] {});
}

bool Loop::run_until(const std::function<bool()>& holds, Time latest) {
  run_deferred();
  while (!holds()) {
    if (now() >= latest) return false;
    turn(latest);
  }
  return true;
}

/// The thread's timer slack is 50 microseconds unless told otherwise, which would be the lateness
/// of every request.
void Loop::turn(Time latest) {
  thread_local const int slack_is_set = prctl(PR_SET_TIMERSLACK, 1);
  static_cast<void>(slack_is_set);
  ++stats_.turns;
  state_->realtime_ahead.reset();
  while (!state_->timers.empty() && !state_->tasks.contains(state_->timers.top().id)) {
    state_->timers.pop();
  }
  if (!state_->timers.empty()) latest = std::min(latest, state_->timers.top().when);

  const Time rested = state_->last_read + options_.read_every;
  if (now() >= rested) {
    ++stats_.polls;
    const auto ready = state_->wait(state_->epoll, latest);
    state_->last_read = woke_ = now();
    tell(ready);
  } else {
    const auto ready = state_->wait(state_->urgent, std::min(latest, rested));
    woke_ = now();
    tell(ready);
  }
  run_timers();
  run_deferred();
}

void Loop::tell(std::span<const epoll_event> ready) {
  // Asked again after the wait, and for as long as this turn lasts.
  state_->realtime_ahead.reset();
  for (std::size_t i = 0; i < ready.size(); ++i) {
    if (i + 1 < ready.size()) state_->fetch(ready[i + 1].data.u64);
    const epoll_event& event = ready[i];
    if (event.data.u64 == kUrgent) {
      state_->urgent_is_ready = true;
    } else if (event.data.u64 == kWakeup) {
      run_posted();
    } else if (const Place* place = state_->find(event.data.u64)) {
      place->watcher->on_ready({.readable = (event.events & ~std::uint32_t{EPOLLOUT}) != 0,
                                .writable = (event.events & EPOLLOUT) != 0,
                                .ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0});
    }
  }
  if (std::exchange(state_->urgent_is_ready, false))
    tell(state_->wait(state_->urgent, Time::min()));
}

void Loop::run_posted() {
  std::uint64_t times = 0;
  static_cast<void>(!read(state_->wakeup, &times, sizeof times));
  std::vector<Task> posted;
  {
    const std::lock_guard lock(state_->posted_lock);
    posted.swap(state_->posted);
  }
  for (const Task& task : posted) task();
}

void Loop::run_timers() {
  const Time time = now();  // one reading: a timer that sets itself again does not run for ever
  while (!state_->timers.empty() && state_->timers.top().when <= time) {
    const TimerId id = state_->timers.top().id;
    state_->timers.pop();
    const auto found = state_->tasks.find(id);
    if (found == state_->tasks.end()) continue;
    const Task task = std::move(found->second);
    state_->tasks.erase(found);
    task();
  }
}

void Loop::run_deferred() {
  while (!state_->deferred.empty()) {
    std::vector<Task> tasks;
    tasks.swap(state_->deferred);
    for (const Task& task : tasks) task();
  }
}

}  // namespace kneepoint::http
