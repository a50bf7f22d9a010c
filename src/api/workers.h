#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "app/session.h"
#include "base/result.h"

namespace kneepoint::api {

/// Threads that each own a session, and a bounded queue before them. A session opens with a
/// worker's first task and again after one that could not be opened.
class Workers {
 public:
  using OpenSession = std::function<Result<std::unique_ptr<app::Session>>()>;
  /// Gets the worker's own session, or why there is none.
  using Task = std::function<void(Result<app::Session*>)>;

  Workers(OpenSession open, std::size_t threads, std::size_t queue);
  ~Workers();  // what still waits is run
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False: the queue is full, the task was not taken.
  bool submit(Task task);
  std::size_t waiting() const;

 private:
  void work();

  const OpenSession open_;
  const std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace kneepoint::api
