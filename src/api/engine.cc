#include "api/engine.h"

#include <fmt/format.h>

#include <exception>

namespace kneepoint::api {

using std::chrono::steady_clock;
using std::chrono::system_clock;

namespace {

/// A library's exception must not end the server.
template <class Do>
auto guarded(Do what) -> decltype(what()) {
  try {
    return what();
  } catch (const std::exception& broken) {
    return fail(ErrorCode::Internal, broken.what());
  }
}

}  // namespace

Engine::Engine(EngineOptions options)
    : options_(std::move(options)),
      cache_(options_.cache_bytes),
      workers_(options_.open_session, options_.threads, options_.queue),
      job_workers_(options_.open_session, options_.job_threads, options_.queue),
      stream_workers_(options_.open_session, options_.stream_threads, options_.stream_threads) {}

std::optional<Failure> Engine::refused(const verbs::Verb& verb, verbs::Right caller) const {
  if (verb.right == verbs::Right::Write && !options_.allow_write) {
    return permission_denied("WRITE_NOT_ALLOWED", "this server only reads (--read-only)");
  }
  if (verb.right == verbs::Right::Deploy && (!options_.allow_deploy || !options_.allow_write)) {
    return permission_denied("DEPLOY_NOT_ALLOWED",
                             "this server deploys nothing; its operator may allow it with "
                             "--allow-deploy");
  }
  if (caller < verb.right) {
    return permission_denied("RIGHT_MISSING", "this token does not have the right to do that");
  }
  return {};
}

void Engine::ask(Ask ask) {
  const verbs::Verb& verb = *ask.verb;
  if (const auto no = refused(verb, ask.right)) {
    count(verb, &*no, {});
    return ask.done(tl::unexpected(*no));
  }
  if (draining_) return ask.done(tl::unexpected(draining()));
  if (Bytes kept = kept_at_door(ask)) {
    count(verb, nullptr, {});
    return ask.done(std::move(kept));
  }
  Workers& workers = verb.stream ? stream_workers_ : verb.job ? job_workers_ : workers_;
  auto shared = std::make_shared<Ask>(std::move(ask));
  const bool taken = workers.submit(
      [this, shared](Result<app::Session*> session) { answer(*shared, std::move(session)); });
  if (taken) return;
  const Failure full = overloaded();
  count(verb, &full, {});
  shared->done(tl::unexpected(full));
}

/// Null where a worker must look: nothing is kept, or another thread looks, or files changed, which
/// takes long to read.
Bytes Engine::kept_at_door(const Ask& ask) {
  if (!options_.answer_at_door || !ask.verb->cacheable || ask.sent.empty()) return nullptr;
  if (!door_open_) return nullptr;
  const std::unique_lock lock(door_mutex_, std::try_to_lock);
  if (!lock || door_session_ == nullptr) return nullptr;
  const auto changed = door_session_->refresh();
  if (changed && !*changed) {
    if (const auto state = door_session_->state()) return cache_.find_as_sent(ask.sent, *state);
  }
  door_session_.reset();
  door_open_ = false;
  return nullptr;
}

/// On a worker's thread, after it answered: to open a store takes long.
void Engine::open_door_session(const verbs::Verb& verb) {
  if (!options_.answer_at_door || !verb.cacheable || door_open_) return;
  const std::unique_lock lock(door_mutex_, std::try_to_lock);
  if (!lock || door_session_ != nullptr) return;
  auto opened = options_.open_session();
  if (!opened || !(*opened)->store()) return;  // the next worker tries again
  door_session_ = std::move(*opened);
  door_open_ = true;
}

tl::expected<json::Value, Failure> Engine::run(const verbs::Verb& verb, app::Session& session,
                                               json::Object ask,
                                               std::function<bool(const json::Object&)> progress) {
  try {
    verbs::Call call{session, std::move(ask), std::move(progress)};
    auto value = verb.handler(call);
    if (!value) return tl::unexpected(failure(value.error()));
    return std::move(*value);
  } catch (const std::exception& broken) {
    // A library's exception must not end the server; what it says is not for strangers.
    if (options_.log) options_.log(fmt::format("{}: {}", verb.name, broken.what()));
    return tl::unexpected(failure(Error{
        ErrorCode::Internal, fmt::format("{} failed; the server's log tells more", verb.name)}));
  }
}

void Engine::answer(Ask& ask, Result<app::Session*> session) {
  const auto begun = steady_clock::now();
  const verbs::Verb& verb = *ask.verb;
  const auto end = [&](tl::expected<Bytes, Failure> answer) {
    count(verb, answer ? nullptr : &answer.error(), steady_clock::now() - begun);
    ask.done(std::move(answer));
  };
  const auto failed = [&](Error error) { end(tl::unexpected(failure(error))); };
  if (ask.gone && ask.gone()) return end(tl::unexpected(cancelled()));
  if (system_clock::now() > ask.deadline) return end(tl::unexpected(deadline_exceeded()));
  if (!session) return failed(std::move(session).error());
  // Prices and models of the user's own may have changed, and the day.
  if (auto fresh = (*session)->refresh(); !fresh && options_.log) {
    options_.log("the catalog stays as it was: " + fresh.error().message);
  }
  auto read = guarded(ask.read);
  if (!read) return failed(std::move(read).error());

  std::string key, state;
  if (verb.cacheable) {
    auto now = (*session)->state();
    if (!now) return failed(std::move(now).error());
    state = std::move(*now);
    key = fmt::format("{}{} {}", ask.form, verb.name, json::to_line(*read));
    if (Bytes kept = cache_.find(key, state)) {
      cache_.also_sent_as(key, std::move(ask.sent));
      return end(std::move(kept));
    }
  }
  const auto waited_for = [&ask](const json::Object& progress) {
    if (ask.gone && ask.gone()) return false;
    if (system_clock::now() > ask.deadline) return false;
    return !ask.progress || ask.progress(progress);
  };
  auto value = run(verb, **session, std::move(*read), waited_for);
  if (!value) return end(tl::unexpected(std::move(value).error()));
  if (system_clock::now() > ask.deadline) return end(tl::unexpected(deadline_exceeded()));
  auto bytes = guarded([&] { return ask.write(*value); });
  if (!bytes) return failed(std::move(bytes).error());
  auto answer = std::make_shared<const std::string>(std::move(*bytes));
  // Kept under the state that was before: had somebody written meanwhile, the state is another one
  // now and nobody finds it.
  if (verb.cacheable) {
    cache_.keep(key, state, answer);
    cache_.also_sent_as(key, std::move(ask.sent));
  }
  end(Bytes(std::move(answer)));
  open_door_session(verb);
}

void Engine::count(const verbs::Verb& verb, const Failure* failure, std::chrono::nanoseconds took) {
  const std::lock_guard lock(mutex_);
  Asked& asked = asked_[verb.name];
  ++asked.by_reason[failure == nullptr ? "OK" : failure->reason];
  asked.seconds += std::chrono::duration<double>(took).count();
}

std::string Engine::metrics() const {
  std::string out =
      "# HELP kneepoint_verb_requests_total Asks by verb and outcome.\n"
      "# TYPE kneepoint_verb_requests_total counter\n";
  std::string seconds =
      "# HELP kneepoint_verb_seconds_total Time verbs took, waiting aside.\n"
      "# TYPE kneepoint_verb_seconds_total counter\n";
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [verb, asked] : asked_) {
      for (const auto& [reason, number] : asked.by_reason) {
        out += fmt::format("kneepoint_verb_requests_total{{verb=\"{}\",outcome=\"{}\"}} {}\n", verb,
                           reason, number);
      }
      seconds +=
          fmt::format("kneepoint_verb_seconds_total{{verb=\"{}\"}} {}\n", verb, asked.seconds);
    }
  }
  const AnswerCache::Counts cache = cache_.counts();
  out += seconds;
  out += fmt::format(
      "# TYPE kneepoint_answer_cache_hits_total counter\nkneepoint_answer_cache_hits_total {}\n"
      "# TYPE kneepoint_answer_cache_misses_total counter\nkneepoint_answer_cache_misses_total {}\n"
      "# TYPE kneepoint_answer_cache_bytes gauge\nkneepoint_answer_cache_bytes {}\n"
      "# TYPE kneepoint_asks_waiting gauge\nkneepoint_asks_waiting{{queue=\"short\"}} {}\n"
      "kneepoint_asks_waiting{{queue=\"long\"}} {}\n",
      cache.hits, cache.misses, cache.bytes, workers_.waiting(), job_workers_.waiting());
  return out;
}

}  // namespace kneepoint::api
