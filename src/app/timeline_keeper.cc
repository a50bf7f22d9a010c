#include "app/timeline_keeper.h"

#include <sys/resource.h>
#include <unistd.h>

#include <iterator>
#include <utility>

namespace kneepoint::app {
namespace {

// A batch is what the other thread is woken for.
constexpr std::size_t kBatch = 512;
constexpr std::size_t kBatchEvents = std::size_t{1} << 15;
constexpr int kNice = 10;

}  // namespace

Result<std::unique_ptr<TimelineKeeper>> TimelineKeeper::start(run::Directory& directory,
                                                              std::int64_t point,
                                                              std::size_t most_queued) {
  auto writer = directory.write_timelines(point);
  if (!writer) return fail(std::move(writer.error()));
  return std::unique_ptr<TimelineKeeper>(new TimelineKeeper(std::move(*writer), most_queued));
}

TimelineKeeper::TimelineKeeper(run::TimelineWriter writer, std::size_t most_queued)
    : writer_(std::move(writer)), most_queued_(most_queued), thread_([this] { write_all(); }) {}

TimelineKeeper::~TimelineKeeper() { stop(); }

void TimelineKeeper::add(const metrics::Timeline& timeline) {
  batch_.push_back(timeline);
  batch_events_ += timeline.events.size() + sizeof timeline / sizeof(metrics::TokenEvent);
  if (batch_.size() >= kBatch || batch_events_ >= kBatchEvents) hand_over();
}

void TimelineKeeper::hand_over() {
  {
    const std::lock_guard lock(lock_);
    if (queued_events_ + batch_events_ > most_queued_) {
      dropped_ += batch_.size();
    } else if (queue_.empty()) {
      queue_.swap(batch_);
      queued_events_ = batch_events_;
    } else {
      queue_.insert(queue_.end(), std::make_move_iterator(batch_.begin()),
                    std::make_move_iterator(batch_.end()));
      queued_events_ += batch_events_;
    }
  }
  change_.notify_one();
  batch_.clear();
  batch_events_ = 0;
}

void TimelineKeeper::write_all() {
  // Of this thread only: what is due to be sent goes first also where there is one core.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  std::vector<metrics::Timeline> taken;
  while (true) {
    {
      std::unique_lock lock(lock_);
      change_.wait(lock, [this] { return ended_ || !queue_.empty(); });
      if (queue_.empty()) return;
      taken.swap(queue_);
      queued_events_ = 0;
    }
    if (written_) written_ = writer_.add(taken);
    taken.clear();
  }
}

void TimelineKeeper::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(lock_);
    ended_ = true;
  }
  change_.notify_one();
  thread_.join();
}

Result<void> TimelineKeeper::finish() {
  hand_over();
  stop();
  if (!written_) return written_;
  return writer_.finish();
}

}  // namespace kneepoint::app
