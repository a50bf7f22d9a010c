#include "api/jobs.h"

#include <fmt/format.h>

#include <atomic>
#include <random>

#include "api/rest.h"

namespace kneepoint::api {
namespace {

using json::Object;
using json::Value;
using std::chrono::steady_clock;
using std::chrono::system_clock;

/// Progress comes as often as a simulation steps; people read it a few times a second.
constexpr std::chrono::milliseconds kBetweenEvents{100};

/// Not to be guessed, so that a link to a job is enough to share it.
std::string new_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string time_text(system_clock::time_point at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(seconds - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace

struct Jobs::Job {
  const std::string id = new_id();
  const std::string verb;
  const system_clock::time_point created = system_clock::now();
  std::atomic<bool> cancelled = false;

  mutable std::mutex mutex;
  std::string state = "waiting";  // running, done, failed, cancelled
  Object progress;
  std::optional<system_clock::time_point> finished;
  Bytes answer, error;  // JSON
  steady_clock::time_point told{};
  std::uint64_t events = 0;
  std::vector<std::shared_ptr<httpd::EventStream>> watchers;

  explicit Job(std::string_view verb_name) : verb(verb_name) {}

  bool is_finished() const {
    const std::lock_guard lock(mutex);
    return finished.has_value();
  }

  /// The answer itself only where one job is asked for.
  Object to_json(bool whole) const {
    const std::lock_guard lock(mutex);
    Object out{{"id", id}, {"verb", verb}, {"state", state}, {"createTime", time_text(created)}};
    if (finished) out.emplace("endTime", time_text(*finished));
    if (!progress.empty()) out.emplace("progress", progress);
    if (whole && answer) out.emplace("result", json::parse(*answer).value_or(Value()));
    if (error) {
      const auto parsed = json::parse(*error);
      if (parsed && parsed->is_object()) out.emplace("error", parsed->get_object().at("error"));
    }
    return out;
  }

  /// With the mutex held.
  void tell(std::string_view event, std::string_view data) {
    ++events;
    std::erase_if(watchers, [&](const auto& one) { return !one->send(event, data, events); });
  }

  bool step(const Object& how_far) {
    const std::lock_guard lock(mutex);
    state = "running";
    progress = how_far;
    const auto now = steady_clock::now();
    if (now - told >= kBetweenEvents) {
      told = now;
      tell("progress", json::to_line(progress));
    }
    return !cancelled;
  }

  void watch(std::shared_ptr<httpd::EventStream> stream) {
    const std::lock_guard lock(mutex);
    if (!progress.empty()) stream->send("progress", json::to_line(progress), events);
    if (!finished) {
      watchers.push_back(std::move(stream));
      return;
    }
    stream->send(answer ? "done" : "failed", answer ? *answer : *error, events);
    stream->close();
  }
};

json::Object Jobs::start(Ask ask) {
  const auto job = std::make_shared<Job>(ask.verb->name);
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_front(job);
    std::size_t ended = 0;
    jobs_.remove_if(
        [&](const Handle& one) { return one->is_finished() && ++ended > kMostFinished; });
  }
  ask.write = [](const Value& answer) -> Result<std::string> { return json::to_line(answer); };
  ask.gone = [job] { return job->cancelled.load(); };
  ask.progress = [job](const Object& how_far) { return job->step(how_far); };
  ask.done = [job](tl::expected<Bytes, Failure> answer) { finish(job, std::move(answer)); };
  engine_.ask(std::move(ask));
  return {{"job", job->to_json(true)}};
}

void Jobs::finish(const Handle& job, tl::expected<Bytes, Failure> answer) {
  const std::lock_guard lock(job->mutex);
  job->finished = system_clock::now();
  if (!job->progress.empty()) job->tell("progress", json::to_line(job->progress));
  if (answer) {
    job->state = "done";
    job->answer = std::move(*answer);
    job->tell("done", *job->answer);
  } else {
    job->state = job->cancelled ? "cancelled" : "failed";
    job->error = std::make_shared<const std::string>(to_json_body(answer.error()));
    job->tell("failed", *job->error);
  }
  for (const auto& watcher : job->watchers) watcher->close();
  job->watchers.clear();
}

Jobs::Handle Jobs::find(const httpd::Request& request) const {
  std::string_view id;
  for (const auto& [name, value] : request.parameters) {
    if (name == "id") id = value;
  }
  const std::lock_guard lock(mutex_);
  for (const Handle& job : jobs_) {
    if (job->id == id) return job;
  }
  return nullptr;
}

std::vector<httpd::Route> Jobs::routes() {
  using httpd::Reply;
  using httpd::Request;
  const auto with_job = [this](auto what) {
    return [this, what](Request request, std::shared_ptr<Reply> reply) {
      const Handle job = find(request);
      if (job == nullptr) {
        return reply->answer(answer_of(
            failure(Error{ErrorCode::NotFound,
                          "no such job: it never was, or ended long ago; GET /kneepoint/v1/jobs "
                          "lists those there are"})));
      }
      what(job, *reply);
    };
  };
  const auto get = [](const Handle& job, Reply& reply) {
    reply.answer(answer_of(Object{{"job", job->to_json(true)}}));
  };
  const auto events = [](const Handle& job, Reply& reply) {
    if (auto stream = reply.events()) job->watch(std::move(stream));
  };
  const auto cancel = [](const Handle& job, Reply& reply) {
    job->cancelled = true;
    reply.answer(answer_of(Object{{"job", job->to_json(false)}}));
  };
  const auto list = [this](const Request&, const std::shared_ptr<Reply>& reply) {
    json::Array all;
    {
      const std::lock_guard lock(mutex_);
      for (const Handle& job : jobs_) all.push_back(job->to_json(false));
    }
    reply->answer(answer_of(Object{{"jobs", std::move(all)}}));
  };
  constexpr auto kRead = httpd::Right::Read;
  return {{"GET", "/kneepoint/v1/jobs", kRead, list},
          {"GET", "/kneepoint/v1/jobs/{id}", kRead, with_job(get)},
          {"GET", "/kneepoint/v1/jobs/{id}/events", kRead, with_job(events)},
          {"POST", "/kneepoint/v1/jobs/{id}:cancel", kRead, with_job(cancel)}};
}

void Jobs::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (const Handle& job : jobs_) job->cancelled = true;
}

std::string Jobs::metrics() const {
  std::map<std::string, int> states;
  {
    const std::lock_guard lock(mutex_);
    for (const Handle& job : jobs_) {
      const std::lock_guard of_job(job->mutex);
      ++states[job->state];
    }
  }
  std::string out = "# HELP kneepoint_jobs Jobs known, by state.\n# TYPE kneepoint_jobs gauge\n";
  for (const auto& [state, count] : states) {
    out += fmt::format("kneepoint_jobs{{state=\"{}\"}} {}\n", state, count);
  }
  return out;
}

}  // namespace kneepoint::api
