#include "api/engine.h"

#include <gmock/gmock.h>

#include <future>

#include "verbs/testing/shipped_session.h"

namespace kneepoint::api {
namespace {

using ::testing::HasSubstr;
using verbs::Call;
using verbs::Right;
using verbs::Verb;

std::atomic<int> asked = 0;
std::promise<void>* hold = nullptr;

Result<json::Value> echo(Call& call) {
  ++asked;
  return json::Object{{"echo", call.ask}};
}
Result<json::Value> wait_for_it(Call& call) {
  if (hold != nullptr) hold->get_future().wait();
  return echo(call);
}
Result<json::Value> break_down(Call&) { throw std::runtime_error("secret"); }
Result<json::Value> write_something(Call& call) {
  auto store = call.session.store();
  if (!store) return fail(std::move(store).error());
  auto removed = (*store)->remove("nothing");
  if (!removed) return fail(removed.error());
  return json::Object{};
}

const Verb kEcho{"Echo", "GET", "/echo", Right::Read, true, false, "", echo};
const Verb kWait{"Wait", "GET", "/wait", Right::Read, false, false, "", wait_for_it};
const Verb kBreak{"Break", "GET", "/break", Right::Read, false, false, "", break_down};
const Verb kWrite{"Write", "POST", "/write", Right::Write, false, false, "", write_something};
const Verb kDeploy{"Deploy", "POST", "/deploy", Right::Deploy, false, false, "", echo};

EngineOptions options() {
  EngineOptions out;
  out.open_session = [] { return app::Session::open(verbs::shipped_session().settings()); };
  out.threads = 1;
  out.job_threads = out.stream_threads = 1;
  out.queue = 1;
  return out;
}

using Answer = tl::expected<Bytes, Failure>;

std::future<Answer> ask(
    Engine& engine, const Verb& verb, std::string_view body = "{}", Right right = Right::Deploy,
    std::chrono::system_clock::time_point deadline = std::chrono::system_clock::time_point::max()) {
  auto answer = std::make_shared<std::promise<Answer>>();
  Ask one;
  one.verb = &verb;
  one.right = right;
  one.deadline = deadline;
  one.read = [text = std::string(body)]() -> Result<json::Object> {
    return json::parse(text).value().as_object();
  };
  one.write = [](const json::Value& value) -> Result<std::string> { return json::to_line(value); };
  one.sent = body;
  one.done = [answer](Answer done) { answer->set_value(std::move(done)); };
  auto out = answer->get_future();
  engine.ask(std::move(one));
  return out;
}

TEST(Engine, KeepsAnswersUntilTheStoreChanges) {
  Engine engine(options());
  asked = 0;
  const auto first = ask(engine, kEcho, R"({"a": 1})").get();
  ASSERT_TRUE(first);
  EXPECT_EQ(**first, R"({"echo":{"a":1}})");
  EXPECT_EQ(ask(engine, kEcho, R"({"a": 1})").get()->get(), first->get()) << "the same bytes";
  EXPECT_EQ(asked, 1);
  EXPECT_TRUE(ask(engine, kEcho, R"({"a": 2})").get());
  EXPECT_EQ(asked, 2);
  ASSERT_TRUE(ask(engine, kWrite).get());
  EXPECT_TRUE(ask(engine, kEcho, R"({"a": 1})").get());
  EXPECT_EQ(asked, 3) << "somebody wrote";
  EXPECT_THAT(engine.metrics(), HasSubstr("kneepoint_answer_cache_hits_total 1\n"));
}

TEST(Engine, AnswersWhatIsKeptOnTheAskersThread) {
  EngineOptions at_door = options();
  at_door.answer_at_door = true;
  Engine engine(std::move(at_door));
  asked = 0;
  const auto first = ask(engine, kEcho, R"({"a": 1})").get();
  ASSERT_TRUE(first);
  ask(engine, kEcho, R"({"a": 0})").get();  // by now the session at the door is open
  std::promise<void> go;
  hold = &go;
  auto busy = ask(engine, kWait);  // the one worker
  auto at_once = ask(engine, kEcho, R"({"a": 1})");
  EXPECT_EQ(at_once.wait_for(std::chrono::seconds(0)), std::future_status::ready);
  hold = nullptr;
  go.set_value();
  EXPECT_EQ(at_once.get()->get(), first->get()) << "the same bytes";
  ASSERT_TRUE(busy.get());
  ASSERT_TRUE(ask(engine, kWrite).get());
  asked = 0;
  EXPECT_TRUE(ask(engine, kEcho, R"({"a": 1})").get());
  EXPECT_EQ(asked, 1) << "somebody wrote";
}

TEST(Engine, RefusesWhatNobodyAllowed) {
  EngineOptions only_reads = options();
  only_reads.allow_write = false;
  only_reads.allow_deploy = true;
  Engine reader(std::move(only_reads));
  EXPECT_EQ(ask(reader, kWrite).get().error().reason, "WRITE_NOT_ALLOWED");
  EXPECT_EQ(ask(reader, kDeploy).get().error().reason, "DEPLOY_NOT_ALLOWED");
  Engine engine(options());
  EXPECT_EQ(ask(engine, kDeploy).get().error().reason, "DEPLOY_NOT_ALLOWED");
  const auto missing = ask(engine, kWrite, "{}", Right::Read).get();
  EXPECT_EQ(missing.error().reason, "RIGHT_MISSING");
  EXPECT_EQ(missing.error().http, 403);
}

TEST(Engine, SaysAtOnceThatTooManyWait) {
  Engine engine(options());
  std::promise<void> go;
  hold = &go;
  auto busy = ask(engine, kWait);
  std::future<Answer> waits = ask(engine, kEcho);
  Answer refused = ask(engine, kEcho).get();
  // The first may not have been taken up yet: then the second already found the queue full.
  hold = nullptr;
  go.set_value();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().http, 429);
  EXPECT_GT(refused.error().retry_after_s, 0);
  EXPECT_TRUE(busy.get());
  waits.wait();
}

TEST(Engine, HoldsDeadlines) {
  Engine engine(options());
  const auto late = ask(engine, kEcho, "{}", Right::Read,
                        std::chrono::system_clock::now() - std::chrono::seconds(1))
                        .get();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().grpc, 4);
}

TEST(Engine, OutlivesAVerbThatThrowsAndKeepsItsWordsToItself) {
  EngineOptions logged = options();
  std::string log;
  logged.log = [&](std::string_view line) { log = line; };
  Engine engine(std::move(logged));
  const auto broken = ask(engine, kBreak).get();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().http, 500);
  EXPECT_EQ(broken.error().message.find("secret"), std::string::npos);
  EXPECT_THAT(log, HasSubstr("secret"));
  EXPECT_TRUE(ask(engine, kEcho).get());
}

TEST(Engine, AnswersNobodyNewWhileItDrains) {
  Engine engine(options());
  engine.drain();
  EXPECT_EQ(ask(engine, kEcho).get().error().http, 503);
}

}  // namespace
}  // namespace kneepoint::api
