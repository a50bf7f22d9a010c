#include "api/workers.h"

namespace kneepoint::api {

Workers::Workers(OpenSession open, std::size_t threads, std::size_t queue)
    : open_(std::move(open)), most_(queue) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Workers::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= most_) return false;
    queue_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

std::size_t Workers::waiting() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

void Workers::work() {
  std::unique_ptr<app::Session> session;
  for (;;) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    if (session == nullptr) {
      auto opened = open_();
      if (!opened) {
        task(fail(std::move(opened).error()));
        continue;
      }
      session = std::move(*opened);
    }
    task(session.get());
  }
}

}  // namespace kneepoint::api
