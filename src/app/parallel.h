#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace kneepoint::app {

/// Calls `work(i)` for each i below `count` on `threads` threads (0: one for each processor), each
/// taking the next that nobody has. `progress(done)` is called on the calling thread, a few times a
/// second and at the end; if it returns false no further work is begun. Returns how many were done:
/// the first so many that were begun, in some order.
inline std::size_t for_each_index(std::size_t count, int threads,
                                  const std::function<void(std::size_t)>& work,
                                  const std::function<bool(std::size_t)>& progress = {}) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t done = 0;  // under mutex
  std::size_t working = 0;
  const std::size_t wanted = threads > 0
                                 ? static_cast<std::size_t>(threads)
                                 : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  const auto body = [&] {
    for (;;) {
      const std::size_t i = next.fetch_add(1);
      if (i >= count || stop) break;
      work(i);
      const std::lock_guard lock(mutex);
      if (++done == count) changed.notify_one();
    }
    const std::lock_guard lock(mutex);
    --working;
    changed.notify_one();
  };
  std::vector<std::jthread> pool;
  working = std::min(wanted, count);
  for (std::size_t i = 0, n = working; i < n; ++i) pool.emplace_back(body);
  std::unique_lock lock(mutex);
  while (working > 0) {
    changed.wait_for(lock, std::chrono::milliseconds(200));
    if (!progress) continue;
    const std::size_t so_far = done;
    lock.unlock();
    if (!progress(so_far)) stop = true;
    lock.lock();
  }
  return done;
}

}  // namespace kneepoint::app
