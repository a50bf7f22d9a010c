#include "api/rest.h"

#include <gmock/gmock.h>

#include <array>
#include <future>
#include <thread>

#include "verbs/testing/shipped_session.h"

namespace kneepoint::api {
namespace {

using httpd::Answer;
using httpd::Request;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using verbs::Call;
using verbs::Right;
using verbs::Verb;

Result<json::Value> echo(Call& call) { return call.ask; }
Result<json::Value> count_to_three(Call& call) {
  for (int i = 1; i <= 3; ++i) {
    if (!call.progress(json::Object{{"step", i}})) {
      return fail(ErrorCode::Unavailable, "stopped");
    }
  }
  return json::Object{{"counted", 3}};
}
Result<json::Value> wait_to_be_stopped(Call& call) {
  while (call.progress(json::Object{{"step", 0}})) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return fail(ErrorCode::Unavailable, "stopped");
}
Result<json::Value> watch(Call& call) {
  if (call.ask.contains("missing")) return fail(ErrorCode::NotFound, "no such run");
  call.progress(json::Object{{"event", "point"}, {"load", 2}});
  return json::Object{{"points", 1}};
}
Result<json::Value> csv(Call&) { return json::Object{{"body", "a,b\n"}}; }

const std::array kVerbs{
    Verb{"Echo", "POST", "/echo/{id}", Right::Read, true, false, "", echo},
    Verb{"Write", "POST", "/write", Right::Write, false, false, "", echo},
    Verb{"Count", "POST", "/count", Right::Read, false, true, "", count_to_three},
    Verb{"Wait", "POST", "/wait", Right::Read, false, true, "", wait_to_be_stopped},
    Verb{"Watch", "GET", "/watch", Right::Read, false, false, "", watch, true},
    Verb{"Csv", "GET", "/csv", Right::Read, false, false, "", csv, false, "text/csv"}};

class Events final : public httpd::EventStream {
 public:
  bool send(std::string_view event, std::string_view data, std::uint64_t) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::string(event) + " " + std::string(data));
    return true;
  }
  void close() override { closed_.set_value(); }
  std::vector<std::string> all() {
    closed_.get_future().wait();
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::promise<void> closed_;
};

class FakeReply final : public httpd::Reply {
 public:
  void answer(Answer given) override { answer_.set_value(std::move(given)); }
  std::shared_ptr<httpd::EventStream> events() override { return stream; }
  bool gone() const override { return false; }
  Answer wait() { return answer_.get_future().get(); }

  std::shared_ptr<Events> stream = std::make_shared<Events>();

 private:
  std::promise<Answer> answer_;
};

class Rest : public ::testing::Test {
 protected:
  static EngineOptions options() {
    EngineOptions out;
    out.open_session = [] { return app::Session::open(verbs::shipped_session().settings()); };
    out.threads = out.job_threads = out.stream_threads = 1;
    return out;
  }

  std::shared_ptr<FakeReply> send(std::string_view path, Request request) {
    auto reply = std::make_shared<FakeReply>();
    for (const auto* routes : {&routes_, &job_routes_}) {
      for (const httpd::Route& route : *routes) {
        if (route.path != path) continue;
        request.method = route.method;
        route.handle(std::move(request), reply);
        return reply;
      }
    }
    ADD_FAILURE() << "no route " << path;
    return reply;
  }
  static json::Object object(const Answer& answer) {
    return json::parse(*answer.body).value().as_object();
  }
  /// Starts a job and gives its id.
  std::string job(std::string_view path) {
    const Answer answer = send(path, {})->wait();
    EXPECT_EQ(answer.status, 202);
    return std::string(object(answer).at("job").at("id").as_string());
  }
  Request about(const std::string& id) {
    Request request;
    request.parameters = {{"id", id}};
    return request;
  }

  Engine engine_{options()};
  Jobs jobs_{engine_};
  std::vector<httpd::Route> routes_ = rest_routes(kVerbs, engine_, jobs_);
  std::vector<httpd::Route> job_routes_ = jobs_.routes();
};

TEST_F(Rest, PutsPathOverQueryOverBody) {
  Request request;
  request.body = R"({"id": "body", "page_size": 2, "model": null})";
  request.query = {{"id", "query"}, {"modelServer", "vllm"}, {"alt", "json"}};
  request.parameters = {{"id", "path"}};
  const Answer answer = send("/echo/{id}", request)->wait();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(*answer.body, R"({"id":"path","modelServer":"vllm","pageSize":2})"
                          "\n");
}

TEST_F(Rest, SaysWhereABodyIsNoJson) {
  Request request;
  request.body = "{\"a\": }";
  const Answer answer = send("/echo/{id}", request)->wait();
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(*answer.body, HasSubstr("line 1, column 7"));
}

TEST_F(Rest, HoldsTheCallersRight) {
  Request request;
  request.right = httpd::Right::Read;
  EXPECT_EQ(send("/write", request)->wait().status, 403);
  request.right = httpd::Right::Write;
  EXPECT_EQ(send("/write", request)->wait().status, 200);
}

TEST_F(Rest, SendsTextUnderItsOwnType) {
  const Answer answer = send("/csv", {})->wait();
  EXPECT_EQ(answer.content_type, "text/csv");
  EXPECT_EQ(*answer.body, "a,b\n");
}

TEST_F(Rest, StreamsWhatHappens) {
  EXPECT_THAT(send("/watch", {})->stream->all(),
              ElementsAre(R"(point {"load":2})", R"(done {"points":1})"));
  Request missing;
  missing.query = {{"missing", "yes"}};
  EXPECT_EQ(send("/watch", missing)->wait().status, 404) << "a status, as long as nothing was sent";
}

TEST_F(Rest, AnswersLongVerbsWithAJob) {
  const std::string id = job("/count");
  const auto lines = send("/kneepoint/v1/jobs/{id}/events", about(id))->stream->all();
  EXPECT_EQ(lines.back(), R"(done {"counted":3})");
  const auto done = object(send("/kneepoint/v1/jobs/{id}", about(id))->wait()).at("job");
  EXPECT_EQ(done.at("state").as_string(), "done");
  EXPECT_EQ(done.at("result").at("counted").as_int64(), 3);
  EXPECT_EQ(done.at("progress").at("step").as_int64(), 3);
  const auto all = object(send("/kneepoint/v1/jobs", {})->wait()).at("jobs").as_array();
  EXPECT_EQ(all.size(), 1u);
  EXPECT_FALSE(all[0].as_object().contains("result"));
  EXPECT_EQ(send("/kneepoint/v1/jobs/{id}", about("nobody"))->wait().status, 404);
}

TEST_F(Rest, StopsAJobWhenAsked) {
  const std::string id = job("/wait");
  EXPECT_EQ(send("/kneepoint/v1/jobs/{id}:cancel", about(id))->wait().status, 200);
  const auto lines = send("/kneepoint/v1/jobs/{id}/events", about(id))->stream->all();
  EXPECT_THAT(lines.back(), HasSubstr("failed {"));
  const auto job = object(send("/kneepoint/v1/jobs/{id}", about(id))->wait()).at("job");
  EXPECT_EQ(job.at("state").as_string(), "cancelled");
  EXPECT_THAT(jobs_.metrics(), HasSubstr("kneepoint_jobs{state=\"cancelled\"} 1"));
}

TEST_F(Rest, SaysAtOnceWhatIsWrongWithAJobsQuestion) {
  Request request;
  request.body = "[]";
  EXPECT_EQ(send("/count", request)->wait().status, 400);
}

}  // namespace
}  // namespace kneepoint::api
