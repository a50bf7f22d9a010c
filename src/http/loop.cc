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
#include <unordered_map>
#include <utility>

namespace kneepoint::http {
namespace {

constexpr std::uint64_t kWakeup = ~std::uint64_t{0};

timespec to_timespec(Nanos span) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
  return {.tv_sec = seconds.count(), .tv_nsec = (span - seconds).count()};
}

Nanos read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec);
}

void sleep_until(Time when) {
  const timespec until = to_timespec(when.time_since_epoch());  // libstdc++: CLOCK_MONOTONIC
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

struct Timer {
  Time when;
  Loop::TimerId id;  // grows, so that equal times keep their order

  friend bool operator>(const Timer& a, const Timer& b) {
    return std::pair(a.when, a.id) > std::pair(b.when, b.id);
  }
};

/// An event names a place and how often that was given away, so that one for a descriptor already
/// unwatched in the same turn finds nobody.
struct Place {
  Watcher* watcher = nullptr;
  int descriptor = -1;
  std::uint32_t generation = 0;
};

std::uint64_t watch_id(std::size_t place, std::uint32_t generation) {
  return std::uint64_t{generation} << 32U | place;
}

}  // namespace

struct Loop::State {
  int epoll = -1;
  int wakeup = -1;
  bool has_pwait2 = true;
  Time last_poll{};
  std::optional<Nanos> realtime_ahead;

  std::vector<Place> places;
  std::vector<std::size_t> free_places;

  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers;
  std::unordered_map<TimerId, Task> tasks;
  TimerId next_timer = 1;
  std::vector<Task> deferred;

  std::atomic<bool> stopped = false;
  std::mutex posted_lock;
  std::vector<Task> posted;

  Place* find(WatchId watch) {
    const std::size_t place = watch & 0xffffffffU;
    if (place >= places.size() || places[place].generation != watch >> 32U) return nullptr;
    return places[place].watcher != nullptr ? &places[place] : nullptr;
  }
};

Loop::Loop(LoopOptions options) : options_(options), state_(std::make_unique<State>()) {}

Loop::~Loop() {
  if (state_->wakeup >= 0) close(state_->wakeup);
  if (state_->epoll >= 0) close(state_->epoll);
}

Result<std::unique_ptr<Loop>> Loop::open(LoopOptions options) {
  std::unique_ptr<Loop> loop(new Loop(options));
  State& state = *loop->state_;
  state.epoll = epoll_create1(EPOLL_CLOEXEC);
  state.wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeup}};
  if (state.epoll < 0 || state.wakeup < 0 ||
      epoll_ctl(state.epoll, EPOLL_CTL_ADD, state.wakeup, &event) != 0) {
    return fail(ErrorCode::Unavailable, fmt::format("open a socket loop: {}", strerror(errno)));
  }
  return loop;
}

Nanos Loop::realtime_ahead() {
  if (!state_->realtime_ahead) {
    const Nanos before = read_clock(CLOCK_MONOTONIC);
    const Nanos real = read_clock(CLOCK_REALTIME);
    const Nanos after = read_clock(CLOCK_MONOTONIC);
    state_->realtime_ahead = real - before - (after - before) / 2;
  }
  return *state_->realtime_ahead;
}

Loop::TimerId Loop::at(Time when, Task task) {
  const TimerId id = state_->next_timer++;
  state_->timers.push({when, id});
  state_->tasks.emplace(id, std::move(task));
  return id;
}

void Loop::cancel(TimerId timer) { state_->tasks.erase(timer); }

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
  if (writable) event.events |= EPOLLOUT;
  if (epoll_ctl(state_->epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    const int reason = errno;
    taken.watcher = nullptr;
    state_->free_places.push_back(place);
    return fail(ErrorCode::Unavailable, fmt::format("watch a socket: {}", strerror(reason)));
  }
  return id;
}

void Loop::want_writable(WatchId watch, bool writable) {
  const Place* place = state_->find(watch);
  if (place == nullptr) return;
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP, .data = {.u64 = watch}};
  if (writable) event.events |= EPOLLOUT;
  epoll_ctl(state_->epoll, EPOLL_CTL_MOD, place->descriptor, &event);
}

void Loop::unwatch(WatchId watch) {
  Place* place = state_->find(watch);
  if (place == nullptr) return;
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
  thread_local const int kSlackIsSet = prctl(PR_SET_TIMERSLACK, 1);
  static_cast<void>(kSlackIsSet);
  ++stats_.turns;
  state_->realtime_ahead.reset();
  while (!state_->timers.empty() && !state_->tasks.contains(state_->timers.top().id)) {
    state_->timers.pop();
  }
  if (!state_->timers.empty()) latest = std::min(latest, state_->timers.top().when);

  const Time rested = state_->last_poll + options_.read_every;
  const Time time = now();
  if (time >= rested) {
    poll(latest);
  } else if (time < latest) {
    sleep_until(std::min(latest, rested));
    if (now() >= rested) poll(std::min(latest, rested));
  }
  run_timers();
  run_deferred();
}

/// Waits for the sockets, until `latest` when nothing comes, and tells who is to be told.
void Loop::poll(Time latest) {
  ++stats_.polls;
  std::array<epoll_event, 512> events;
  int count = -1;
  const Nanos wait = latest == Time::max() ? Nanos::max() : std::max(Nanos(0), latest - now());
  if (state_->has_pwait2) {
    const timespec timeout = to_timespec(wait);
    count = epoll_pwait2(state_->epoll, events.data(), static_cast<int>(events.size()),
                         wait == Nanos::max() ? nullptr : &timeout, nullptr);
    if (count < 0 && errno == ENOSYS) state_->has_pwait2 = false;
  }
  if (!state_->has_pwait2) {  // before Linux 5.11: milliseconds, rounded down so as not to be late
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
    count = epoll_wait(state_->epoll, events.data(), static_cast<int>(events.size()),
                       wait == Nanos::max() ? -1 : static_cast<int>(std::min(millis, 1'000'000L)));
  }
  state_->last_poll = now();
  state_->realtime_ahead.reset();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWakeup) {
      std::uint64_t times = 0;
      static_cast<void>(!read(state_->wakeup, &times, sizeof times));
      std::vector<Task> posted;
      {
        const std::lock_guard lock(state_->posted_lock);
        posted.swap(state_->posted);
      }
      for (const Task& task : posted) task();
      continue;
    }
    if (const Place* place = state_->find(event.data.u64)) {
      place->watcher->on_ready((event.events & ~std::uint32_t{EPOLLOUT}) != 0,
                               (event.events & EPOLLOUT) != 0);
    }
  }
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
