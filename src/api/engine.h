#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "api/answer_cache.h"
#include "api/failure.h"
#include "api/workers.h"
#include "verbs/verb.h"

/// Between the doors and the verbs: queue, deadlines, rights, kept answers. Knows no transport.
namespace kneepoint::api {

struct EngineOptions {
  Workers::OpenSession open_session;
  std::size_t threads = 2, job_threads = 2, stream_threads = 16;
  std::size_t queue = 256;  // asks that wait; past it they are refused at once
  std::size_t cache_bytes = std::size_t{64} << 20;
  /// What is kept is answered on the asker's thread, which costs no change of threads. For stores
  /// whose state is a look into a file: of a distant one a thread would wait for it.
  bool answer_at_door = false;
  bool allow_write = true, allow_deploy = false;
  std::function<void(std::string_view line)> log;  // what is not for callers; any thread
};

/// One ask of one verb.
struct Ask {
  const verbs::Verb* verb = nullptr;
  /// Reads what the client sent, on the worker's thread.
  std::function<Result<json::Object>()> read;
  /// Makes the bytes of an answer; `form` tells two doors' answers apart where they are kept.
  std::function<Result<std::string>(const json::Value&)> write;
  char form = 'j';
  /// The bytes the ask was made of, of which equal ones mean the same; empty: not known.
  std::string sent;
  verbs::Right right = verbs::Right::Read;  // of the caller
  std::chrono::system_clock::time_point deadline = std::chrono::system_clock::time_point::max();
  std::function<bool()> gone;  // nobody waits any more; may be empty
  std::function<bool(const json::Object& progress)> progress;  // may be empty
  std::function<void(tl::expected<Bytes, Failure>)> done;      // once, on any thread
};

class Engine {
 public:
  explicit Engine(EngineOptions options);

  /// Long verbs go to threads of their own, so that they do not stand before short ones.
  void ask(Ask ask);
  /// The verb's answer as a value, here and now, on a session of the caller's.
  tl::expected<json::Value, Failure> run(const verbs::Verb& verb, app::Session& session,
                                         json::Object ask,
                                         std::function<bool(const json::Object&)> progress);

  /// Refused before anything is read: the caller's right, and what this server allows at all.
  std::optional<Failure> refused(const verbs::Verb& verb, verbs::Right caller) const;
  /// No new asks: those under way are answered.
  void drain() { draining_ = true; }

  /// Prometheus text.
  std::string metrics() const;

 private:
  void answer(Ask& ask, Result<app::Session*> session);
  Bytes kept_at_door(const Ask& ask);
  void open_door_session(const verbs::Verb& verb);
  void count(const verbs::Verb& verb, const Failure* failure, std::chrono::nanoseconds took);

  const EngineOptions options_;
  AnswerCache cache_;
  std::atomic<bool> draining_ = false;
  std::mutex door_mutex_;
  std::unique_ptr<app::Session> door_session_;  // tells the state; null: not opened, or stale
  std::atomic<bool> door_open_ = false;         // whether there is one
  struct Asked {
    std::map<std::string, std::uint64_t> by_reason;  // OK and the failures' reasons
    double seconds = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string_view, Asked> asked_;
  // Last, so that their threads end before what they use.
  Workers workers_, job_workers_, stream_workers_;
};

}  // namespace kneepoint::api
