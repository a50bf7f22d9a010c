#include "httpd/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <mutex>
#include <thread>

#include "httpd/answer.h"
#include "httpd/gzip.h"
#include "httpd/testing/raw_client.h"

namespace kneepoint::httpd {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;

Route route(std::string method, std::string path,
            std::function<void(Request, std::shared_ptr<Reply>)> handle) {
  Route made;
  made.method = std::move(method);
  made.path = std::move(path);
  made.handle = std::move(handle);
  return made;
}

/// Tells what it was asked.
void echo(const Request& request, const std::shared_ptr<Reply>& reply) {
  std::string text = request.method + " " + request.path + "\n";
  for (const auto& [name, value] : request.query) text += "?" + name + "=" + value + "\n";
  for (const auto& [name, value] : request.parameters) text += "{" + name + "}=" + value + "\n";
  text += "caller=" + request.caller + " right=" + std::string(name(request.right)) + "\n";
  text += request.body;
  reply->answer(text_answer(200, std::move(text)));
}

std::vector<Route> routes() {
  std::vector<Route> made{
      route("GET", "/v1/echo", echo), route("POST", "/v1/echo", echo),
      route("GET", "/v1/things/{id}", echo), route("DELETE", "/v1/things/{id}", echo),
      route("GET", "/v1/long", [](const Request&, const std::shared_ptr<Reply>& reply) {
        reply->answer(text_answer(200, std::string(100'000, 'x')));
      })};
  made[1].body_limit = 1000;
  made[3].right = Right::Write;
  return made;
}

Options quick() {
  Options options;
  options.threads = 1;
  options.timeouts.round = 20ms;
  return options;
}

std::unique_ptr<Server> serve(Options options = quick(), std::vector<Route> more = routes()) {
  auto server = Server::start(std::move(options), std::move(more));
  if (!server) throw std::runtime_error(server.error().message);
  return std::move(*server);
}

std::string ask(std::uint16_t port, std::string_view request) {
  RawClient client(port);
  client.say(request);
  return client.answer();
}

std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(fields) +
         "\r\n";
}

std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

TEST(AServer, TellsThePortThatItChose) {
  const auto server = serve();
  EXPECT_NE(server->port(), 0);
  EXPECT_EQ(server->url(), "http://127.0.0.1:" + std::to_string(server->port()));
}

TEST(AServer, AnswersWithTheQueryAsItWasMeant) {
  const auto server = serve();
  const auto said = ask(server->port(), get("//v1/echo?$alt=json;enum-encoding=int&m=a/b+c"));
  EXPECT_THAT(said, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(said, HasSubstr("GET /v1/echo\n?$alt=json;enum-encoding=int\n?m=a/b c\n"));
  EXPECT_THAT(said, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(said, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(said, HasSubstr("X-Request-Id: "));
  EXPECT_THAT(said, Not(HasSubstr("Access-Control")));
}

TEST(AServer, AnswersPipelinedRequestsInTheirOrder) {
  const auto server = serve();
  RawClient client(server->port());
  std::string all;
  for (int i = 0; i < 20; ++i) all += get("/v1/things/" + std::to_string(i));
  all += post("/v1/echo", "last");
  client.say(all);
  for (int i = 0; i < 20; ++i)
    EXPECT_THAT(client.answer(), HasSubstr("{id}=" + std::to_string(i) + "\n"));
  EXPECT_THAT(client.answer(), HasSubstr("last"));
}

TEST(AServer, TakesBodiesInChunksPackedAndAfterContinue) {
  const auto server = serve();
  EXPECT_THAT(ask(server->port(),
                  "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-Trailer: z\r\n\r\n"),
              HasSubstr("abcdefg"));
  EXPECT_THAT(
      ask(server->port(), post("/v1/echo", gzip("hello hello", 6), "Content-Encoding: gzip\r\n")),
      HasSubstr("hello hello"));
  RawClient client(server->port());
  client.say(
      "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: "
      "100-continue\r\n\r\n");
  EXPECT_EQ(client.answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.say("body");
  EXPECT_THAT(client.answer(), HasSubstr("body"));
}

TEST(AServer, PacksAnswersForWhoTakesThem) {
  const auto server = serve();
  const auto plain = ask(server->port(), get("/v1/long"));
  EXPECT_THAT(plain, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_THAT(plain, HasSubstr("Vary: Accept-Encoding\r\n"));
  const auto packed = ask(server->port(), get("/v1/long", "Accept-Encoding: br, gzip\r\n"));
  EXPECT_THAT(packed, HasSubstr("Content-Encoding: gzip\r\n"));
  const auto body = packed.substr(packed.find("\r\n\r\n") + 4);
  EXPECT_EQ(gunzip(body, 1 << 20), std::string(100'000, 'x'));
}

TEST(AServer, AnswersHeadWithoutABody) {
  const auto server = serve();
  RawClient client(server->port());
  client.say("HEAD /v1/long HTTP/1.1\r\nHost: localhost\r\n\r\n" + get("/v1/echo"));
  EXPECT_THAT(client.answer(true), HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_THAT(client.answer(), HasSubstr("GET /v1/echo"));
}

TEST(AServer, AnswersFromOtherThreadsAndAfterAwhile) {
  std::vector<std::thread> threads;
  auto all = routes();
  all.push_back(route("GET", "/v1/later", [&](Request request, std::shared_ptr<Reply> reply) {
    threads.emplace_back([request = std::move(request), reply = std::move(reply)] {
      std::this_thread::sleep_for(5ms);
      echo(request, reply);
    });
  }));
  all.push_back(route("GET", "/v1/never", [](Request, std::shared_ptr<Reply>) {}));
  all.push_back(route("GET", "/v1/throws", [](Request, std::shared_ptr<Reply>) {
    throw std::runtime_error("a secret");
  }));
  const auto server = serve(quick(), std::move(all));
  EXPECT_THAT(ask(server->port(), get("/v1/later")), HasSubstr("GET /v1/later"));
  EXPECT_THAT(ask(server->port(), get("/v1/never")), HasSubstr("NOT_ANSWERED"));
  const auto thrown = ask(server->port(), get("/v1/throws"));
  EXPECT_THAT(thrown, StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(thrown, Not(HasSubstr("secret")));
  for (auto& each : threads) each.join();
}

TEST(AServer, TellsTheCalleeThatTheClientHungUp) {
  std::mutex mutex;
  std::shared_ptr<Reply> kept;
  const auto server =
      serve(quick(), {route("GET", "/v1/wait", [&](Request, std::shared_ptr<Reply> reply) {
              const std::scoped_lock lock(mutex);
              kept = std::move(reply);
            })});
  const auto held = [&] {
    const std::scoped_lock lock(mutex);
    return kept;
  };
  {
    RawClient client(server->port());
    client.say(get("/v1/wait"));
    while (!held()) std::this_thread::sleep_for(1ms);
    EXPECT_FALSE(held()->gone());
  }
  for (int i = 0; i < 2000 && !held()->gone(); ++i) std::this_thread::sleep_for(1ms);
  EXPECT_TRUE(held()->gone());
  held()->answer(text_answer(200, "to nobody"));
}

TEST(AServer, StreamsEventsWithSignsOfLife) {
  std::mutex mutex;
  std::shared_ptr<EventStream> stream;
  auto options = quick();
  options.timeouts.heartbeat = 30ms;
  const auto server =
      serve(options, {route("GET", "/v1/events", [&](Request, std::shared_ptr<Reply> reply) {
              const std::scoped_lock lock(mutex);
              stream = reply->events();
              stream->send("progress", "{\"a\":1}", 1);
            })});
  RawClient client(server->port());
  client.say(get("/v1/events"));
  EXPECT_TRUE(client.hear_until("id: 1\nevent: progress\ndata: {\"a\":1}\n\n"));
  EXPECT_TRUE(client.hear_until("3\r\n:\n\n\r\n"));
  EXPECT_THAT(client.heard(), HasSubstr("Content-Type: text/event-stream"));
  {
    const std::scoped_lock lock(mutex);
    EXPECT_TRUE(stream->send("done", "two\nlines", 2));
    stream->close();
    EXPECT_FALSE(stream->send("late", "", 3));
  }
  EXPECT_TRUE(client.hear_until("data: two\ndata: lines\n\n\r\n0\r\n\r\n"));
}

TEST(AServer, EndsAStreamThatNobodyReads) {
  std::mutex mutex;
  std::shared_ptr<EventStream> stream;
  auto options = quick();
  options.limits.events = 100'000;
  const auto server =
      serve(options, {route("GET", "/v1/events", [&](Request, std::shared_ptr<Reply> reply) {
              const std::scoped_lock lock(mutex);
              stream = reply->events();
            })});
  RawClient client(server->port());
  client.say(get("/v1/events"));
  ASSERT_TRUE(client.hear_until("\r\n\r\n"));
  const std::scoped_lock lock(mutex);
  const std::string large(50'000, 'y');
  bool taken = true;
  for (int i = 0; i < 100'000 && taken; ++i) taken = stream->send("", large, 1);
  EXPECT_FALSE(taken);
}

TEST(AServer, DrainsByAnsweringWhatIsUnderWay) {
  std::mutex mutex;
  std::shared_ptr<Reply> kept;
  auto server =
      serve(quick(), {route("GET", "/v1/wait", [&](Request, std::shared_ptr<Reply> reply) {
              const std::scoped_lock lock(mutex);
              kept = std::move(reply);
            })});
  RawClient busy(server->port()), idle(server->port());
  busy.say(get("/v1/wait"));
  idle.say(get("/readyz"));
  EXPECT_THAT(idle.answer(), HasSubstr("ready"));
  server->unready();
  idle.say(get("/readyz"));
  EXPECT_THAT(idle.answer(), StartsWith("HTTP/1.1 503"));
  while (true) {
    const std::scoped_lock lock(mutex);
    if (kept) break;
  }
  EXPECT_FALSE(server->drain(50ms));
  EXPECT_FALSE(RawClient(server->port()).connected());
  {
    const std::scoped_lock lock(mutex);
    kept->answer(text_answer(200, "at last"));
    kept.reset();
  }
  {
    auto last = std::move(busy);
    EXPECT_THAT(last.rest(), HasSubstr("Connection: close"));
  }
  EXPECT_TRUE(server->drain(5s));
}

TEST(AServer, StopsWithAnswersStillOwed) {
  std::shared_ptr<Reply> kept;
  {
    auto server = serve(
        quick(), {route("GET", "/v1/wait",
                        [&](Request, std::shared_ptr<Reply> reply) { kept = std::move(reply); })});
    RawClient client(server->port());
    client.say(get("/v1/wait"));
    EXPECT_FALSE(client.hear(50ms));
    server->stop();
  }
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->gone());
  kept->answer(text_answer(200, "to nobody"));
}

TEST(AServer, StopsWhateverItsTimersDo) {
  auto options = quick();
  options.timeouts.round = 1ms;
  for (int i = 0; i < 300; ++i) serve(options);
}

TEST(AServer, SaysWhyItDoesNotStart) {
  const auto first = serve();
  auto taken = quick();
  taken.listen.port = first->port();
  const auto second = Server::start(taken, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("taken"));
  auto open = quick();
  open.listen.address = "0.0.0.0";
  const auto refused = Server::start(open, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--token-file"));
  auto half = quick();
  half.tls.key = "/nowhere.pem";
  EXPECT_FALSE(Server::start(half, {}));
}

TEST(AServer, CountsInItsMetrics) {
  auto options = quick();
  options.more_metrics = [] { return "own_total 1\n"; };
  const auto server = serve(options);
  ask(server->port(), get("/v1/things/secret-id"));
  ask(server->port(), get("/nothing?token=secret"));
  const auto text = ask(server->port(), get("/metrics"));
  EXPECT_THAT(text, HasSubstr("kneepoint_http_requests_total{code=\"200\",method=\"GET\",route=\"/"
                              "v1/things/{id}\"} 1"));
  EXPECT_THAT(text, HasSubstr("own_total 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace kneepoint::httpd
