#include <fmt/format.h>

#include "app/deploy_live.h"
#include "base/text.h"
#include "cluster/fields.h"
#include "doctor/finding.h"
#include "http/client.h"
#include "http/loop.h"

namespace kneepoint::app {
namespace {

constexpr std::size_t kLargestAnswer = std::size_t{1} << 20;
constexpr http::Patience kPatience{.connect = std::chrono::seconds(10),
                                   .first_byte = std::chrono::minutes(2),
                                   .silence = std::chrono::minutes(1),
                                   .whole = std::chrono::minutes(3)};

class Answer final : public http::Exchange {
 public:
  void on_body(std::string_view bytes, http::Stamp) override {
    if (body.size() + bytes.size() <= kLargestAnswer) body += bytes;
  }
  void on_end(const http::Ending& ending) override {
    status = ending.outcome == http::Outcome::Complete ? ending.status : 0;
    reason = ending.reason;
    ended = true;
  }
  std::string body, reason;
  int status = 0;
  bool ended = false;
};

class Line {
 public:
  static Result<std::unique_ptr<Line>> to(int port) {
    auto loop = http::Loop::open();
    if (!loop) return fail(std::move(loop).error());
    auto url = http::parse_url(fmt::format("http://127.0.0.1:{}", port));
    if (!url) return fail(std::move(url).error());
    auto endpoint = http::resolve(*url);
    if (!endpoint) return fail(std::move(endpoint).error());
    return std::unique_ptr<Line>(new Line(std::move(*loop), std::move(*endpoint)));
  }

  /// With a body it is a POST.
  Answer ask(const std::string& path, const std::string& body = {}) {
    Answer answer;
    http::Request request;
    request.method = body.empty() ? "GET" : "POST";
    request.path = path;
    request.body = body;
    if (!body.empty()) request.fields.emplace_back("Content-Type", "application/json");
    auto wire = http::to_wire(url_, request);
    if (!wire) {
      answer.reason = wire.error().message;
      return answer;
    }
    client_.send(std::move(*wire), answer, kPatience);
    loop_->run_until([&] { return answer.ended; }, loop_->now() + std::chrono::minutes(4));
    return answer;
  }

 private:
  Line(std::unique_ptr<http::Loop> loop, http::Endpoint endpoint)
      : loop_(std::move(loop)), url_(endpoint.url), client_(*loop_, std::move(endpoint)) {}
  std::unique_ptr<http::Loop> loop_;
  http::Url url_;
  http::Client client_;
};

/// "Forwarding from 127.0.0.1:40123 -> 8000"
int forwarded_port(const std::string& said) {
  constexpr std::string_view kBegin = "127.0.0.1:";
  const std::size_t at = said.find(kBegin);
  if (at == std::string::npos) return 0;
  const std::string_view rest = std::string_view(said).substr(at + kBegin.size());
  return static_cast<int>(parse_integer(rest.substr(0, rest.find(' '))).value_or(0));
}

std::string start_of(const std::string& text) {
  std::string line;
  for (const char c : text) line += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  return doctor::evidence_of(trim(line), 0, 0, 200);
}

/// The words of an answer, whichever of the two APIs gave it.
std::string words_of(const std::string& body) {
  const auto answer = json::parse(body);
  if (!answer) return start_of(body);
  for (const char* place : {"/choices/0/message/content", "/choices/0/message/reasoning_content",
                            "/choices/0/message/reasoning", "/choices/0/text"}) {
    if (const std::string text = cluster::text_at(*answer, place); !trim(text).empty())
      return start_of(text);
  }
  return start_of(body);
}

void converse(Line& line, Smoke& out) {
  const Answer models = line.ask("/v1/models");
  if (models.status == 0) {
    out.said = "no answer from the pod: " + models.reason;
    return;
  }
  if (const auto list = json::parse(models.body)) out.model = cluster::text_at(*list, "/data/0/id");
  if (out.model.empty()) out.model = "model";
  const json::Object chat{
      {"model", out.model},
      {"messages", json::Array{json::Object{{"role", "user"}, {"content", "Say hello."}}}},
      {"max_tokens", 16}};
  const json::Object completion{{"model", out.model}, {"prompt", "Hello"}, {"max_tokens", 16}};
  // A base model has no chat template: then it completes text.
  for (const auto& [path, body] :
       {std::pair{"/v1/chat/completions", &chat}, std::pair{"/v1/completions", &completion}}) {
    const auto began = std::chrono::steady_clock::now();
    const Answer answer = line.ask(path, json::to_line(*body));
    out.milliseconds =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
    out.path = path;
    out.status = answer.status;
    out.passed = answer.status == 200;
    out.said = out.passed ? words_of(answer.body)
               : answer.status == 0
                   ? "no answer: " + answer.reason
                   : fmt::format("status {}: {}", answer.status, start_of(answer.body));
    if (answer.status != 400 && answer.status != 404) return;
  }
}

}  // namespace

Result<Forward> forward_to(const cluster::Kubectl& kubectl, const std::string& namespace_name,
                           const std::string& pod, int port) {
  auto process = kubectl.start({"port-forward", "--namespace=" + namespace_name,
                                "--address=127.0.0.1", "pod/" + pod, fmt::format(":{}", port)});
  if (!process) return fail(std::move(process).error());
  const auto said =
      process->wait_for("Forwarding from", std::chrono::seconds(30), kubectl.access().interrupted);
  if (!said) {
    return fail(ErrorCode::Unavailable, "kubectl port-forward: " + start_of(said.error().message));
  }
  const int here = forwarded_port(*said);
  return Forward{std::move(*process), here};
}

Smoke smoke_request(const cluster::Kubectl& kubectl, const std::string& namespace_name,
                    const std::string& pod, int port) {
  Smoke out;
  out.pod = pod;
  const auto forward = forward_to(kubectl, namespace_name, pod, port);
  if (!forward) {
    out.said = forward.error().message;
    return out;
  }
  auto line = Line::to(forward->port);
  if (!line) {
    out.said = line.error().message;
    return out;
  }
  converse(**line, out);
  return out;
}

}  // namespace kneepoint::app
