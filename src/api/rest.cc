#include "api/rest.h"

#include <fmt/format.h>

#include <iterator>

#include "base/text.h"
#include "verbs/canonical.h"

namespace kneepoint::api {
namespace {

using httpd::Answer;
using httpd::Reply;
using httpd::Request;
using std::chrono::system_clock;

Bytes bytes_of(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

system_clock::time_point deadline_of(const Request& request) {
  double seconds = std::chrono::duration<double>(kLongestRest).count();
  for (const auto& [name, value] : request.fields) {
    if (name != "x-server-timeout") continue;
    const auto asked = parse_number(value);
    if (asked && *asked > 0 && *asked < seconds) seconds = *asked;
  }
  return system_clock::now() +
         std::chrono::duration_cast<system_clock::duration>(std::chrono::duration<double>(seconds));
}

/// The body of a verb's answer: JSON, or the text it is where the verb says so.
Result<std::string> write_answer(const verbs::Verb& verb, const json::Value& value) {
  if (verb.content_type.empty()) return json::to_line(value) + "\n";
  const json::Value* body = value.is_object() ? value.get_object().if_contains("body") : nullptr;
  if (body == nullptr || !body->is_string()) {
    return fail(ErrorCode::Internal, fmt::format("{} gave no text", verb.name));
  }
  return std::string(body->get_string());
}

/// All that read_request reads, in one piece and with lengths, so that no two requests look alike.
std::string sent_by(const verbs::Verb& verb, const Request& request) {
  std::string out;
  out.reserve(64 + request.body.size());
  const auto put = [&out](std::string_view text) {
    fmt::format_to(std::back_inserter(out), "{}:", text.size());
    out += text;
  };
  put(verb.path);
  for (const auto* pairs : {&request.query, &request.parameters}) {
    put(std::to_string(pairs->size()));
    for (const auto& [name, value] : *pairs) {
      put(name);
      put(value);
    }
  }
  out += request.body;
  return out;
}

void ask_short(Engine& engine, Ask ask, const std::shared_ptr<Reply>& reply, Request request) {
  const verbs::Verb& verb = *ask.verb;
  ask.deadline = deadline_of(request);
  if (verb.cacheable) ask.sent = sent_by(verb, request);
  ask.read = [request = std::move(request)] { return read_request(request); };
  ask.write = [&verb](const json::Value& value) { return write_answer(verb, value); };
  ask.gone = [reply] { return reply->gone(); };
  ask.done = [&verb, reply](tl::expected<Bytes, Failure> bytes) {
    if (!bytes) return reply->answer(answer_of(bytes.error()));
    Answer answer;
    if (!verb.content_type.empty()) answer.content_type = verb.content_type;
    answer.body = std::move(*bytes);
    reply->answer(std::move(answer));
  };
  engine.ask(std::move(ask));
}

void ask_job(Engine& engine, Jobs& jobs, Ask ask, const std::shared_ptr<Reply>& reply,
             const Request& request) {
  // What is wrong with the request itself is told at once, not by a job.
  if (const auto no = engine.refused(*ask.verb, ask.right)) return reply->answer(answer_of(*no));
  auto read = read_request(request);
  if (!read) return reply->answer(answer_of(failure(read.error())));
  ask.read = [read = std::move(*read)]() -> Result<json::Object> { return read; };
  reply->answer(answer_of(jobs.start(std::move(ask)), 202));
}

/// Events as they happen. Nothing is sent before the first, so that an error can still be a status.
void ask_stream(Engine& engine, Ask ask, const std::shared_ptr<Reply>& reply, Request request) {
  struct Open {
    std::shared_ptr<Reply> reply;
    std::shared_ptr<httpd::EventStream> stream;
    std::uint64_t sent = 0;

    bool send(std::string_view event, std::string_view data) {
      if (stream == nullptr) stream = reply->events();
      return stream != nullptr && stream->send(event, data, ++sent);
    }
  };
  const auto open = std::make_shared<Open>(Open{reply, nullptr, 0});
  ask.read = [request = std::move(request)] { return read_request(request); };
  ask.write = [](const json::Value& value) -> Result<std::string> { return json::to_line(value); };
  ask.progress = [open](const json::Object& progress) {
    std::string event = "progress";
    json::Object data;
    for (const auto& member : progress) {
      if (member.key() == "event" && member.value().is_string()) {
        event = member.value().get_string();
      } else {
        data.emplace(member.key(), member.value());
      }
    }
    return open->send(event, json::to_line(data));
  };
  ask.done = [open](tl::expected<Bytes, Failure> answer) {
    if (!answer && open->stream == nullptr) return open->reply->answer(answer_of(answer.error()));
    if (answer) {
      open->send("done", **answer);
    } else {
      open->send("failed", to_json_body(answer.error()));
    }
    if (open->stream != nullptr) open->stream->close();
  };
  engine.ask(std::move(ask));
}

verbs::Right right_of(httpd::Right right) {
  switch (right) {
    case httpd::Right::Read:
      return verbs::Right::Read;
    case httpd::Right::Write:
      return verbs::Right::Write;
    case httpd::Right::Deploy:
      return verbs::Right::Deploy;
  }
  __builtin_unreachable();
}
httpd::Right right_of(verbs::Right right) {
  switch (right) {
    case verbs::Right::Read:
      return httpd::Right::Read;
    case verbs::Right::Write:
      return httpd::Right::Write;
    case verbs::Right::Deploy:
      return httpd::Right::Deploy;
  }
  __builtin_unreachable();
}

}  // namespace

Answer answer_of(const Failure& failure) {
  Answer out;
  out.status = failure.http;
  out.body = bytes_of(to_json_body(failure));
  if (failure.retry_after_s > 0) {
    out.fields.emplace_back("Retry-After", std::to_string(failure.retry_after_s));
  }
  return out;
}

Answer answer_of(const json::Object& object, int status) {
  Answer out;
  out.status = status;
  out.body = bytes_of(json::to_line(object) + "\n");
  return out;
}

Result<json::Object> read_request(const Request& request) {
  json::Object ask;
  const bool has_body = request.method != "GET" && request.method != "DELETE";
  if (has_body && !trim(request.body).empty()) {
    auto body = json::parse(request.body);
    if (!body) return fail(std::move(body).error().during("the body is"));
    auto read = verbs::canonical(std::move(*body), verbs::kOpaqueMembers);
    if (!read) return read;
    ask = std::move(*read);
  }
  auto asked = verbs::with_parameters(request.query, std::move(ask));
  if (!asked) return asked;
  return verbs::with_parameters(request.parameters, std::move(*asked));
}

std::vector<httpd::Route> rest_routes(std::span<const verbs::Verb> verbs, Engine& engine,
                                      Jobs& jobs) {
  std::vector<httpd::Route> out;
  for (const verbs::Verb& verb : verbs) {
    httpd::Route route;
    route.method = verb.method;
    route.path = verb.path;
    route.right = right_of(verb.right);
    // Logs and reports are longer than any question.
    if (verb.path.starts_with("/kneepoint/")) route.body_limit = std::size_t{20} << 20;
    route.handle = [&verb, &engine, &jobs](Request request, std::shared_ptr<Reply> reply) {
      Ask ask;
      ask.verb = &verb;
      ask.right = right_of(request.right);
      if (verb.stream) {
        ask_stream(engine, std::move(ask), reply, std::move(request));
      } else if (verb.job) {
        ask_job(engine, jobs, std::move(ask), reply, request);
      } else {
        ask_short(engine, std::move(ask), reply, std::move(request));
      }
    };
    out.push_back(std::move(route));
  }
  return out;
}

}  // namespace kneepoint::api
