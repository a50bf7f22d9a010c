#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/engine.h"
#include "httpd/route.h"

/// Long verbs: they are answered with a job at once, and the job tells how far it is.
namespace kneepoint::api {

class Jobs {
 public:
  explicit Jobs(Engine& engine) : engine_(engine) {}

  /// Starts a job. What stands in `ask` beside verb, read and right is filled in here.
  json::Object start(Ask ask);

  /// GET jobs, GET jobs/{id}, GET jobs/{id}/events, POST jobs/{id}:cancel below /kneepoint/v1.
  /// Events: `progress` with what the verb tells, then `done` with its answer or `failed` with the
  /// error; who comes late gets the last of each.
  std::vector<httpd::Route> routes();
  /// Every job is told to stop.
  void cancel_all();
  /// Prometheus text.
  std::string metrics() const;

  static constexpr std::size_t kMostFinished = 200;  // kept to be asked for

 private:
  struct Job;
  using Handle = std::shared_ptr<Job>;

  Handle find(const httpd::Request& request) const;
  static void finish(const Handle& job, tl::expected<Bytes, Failure> answer);

  Engine& engine_;
  mutable std::mutex mutex_;
  std::list<Handle> jobs_;  // the newest first
};

}  // namespace kneepoint::api
