#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "metrics/timeline.h"
#include "run/directory.h"

namespace kneepoint::app {

/// Keeps the timelines of one load point in its run directory while the point runs. The thread that
/// runs only copies them: text, compression and file are a thread's that gives way to it. What that
/// thread cannot follow is not kept, and counted: load comes first.
class TimelineKeeper {
 public:
  static constexpr std::size_t kMostQueued = std::size_t{1} << 23;  // events, of eight bytes

  /// The directory stays where it is, and nothing else writes timelines into it, until finish() or
  /// the end of this object, which leaves nothing behind.
  static Result<std::unique_ptr<TimelineKeeper>> start(run::Directory& directory,
                                                       std::int64_t point,
                                                       std::size_t most_queued = kMostQueued);
  ~TimelineKeeper();

  void add(const metrics::Timeline& timeline);
  /// Waits for the last of them and makes them lasting.
  Result<void> finish();
  /// How many were not kept.
  std::uint64_t dropped() const { return dropped_; }

 private:
  TimelineKeeper(run::TimelineWriter writer, std::size_t most_queued);
  void hand_over();
  void write_all();
  void stop();

  run::TimelineWriter writer_;  // the thread's, while it runs
  Result<void> written_;
  std::size_t most_queued_;
  std::vector<metrics::Timeline> batch_;
  std::size_t batch_events_ = 0;
  std::uint64_t dropped_ = 0;

  std::mutex lock_;
  std::condition_variable change_;
  std::vector<metrics::Timeline> queue_;
  std::size_t queued_events_ = 0;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace kneepoint::app
