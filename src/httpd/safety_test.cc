// What strangers try, over real sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "httpd/answer.h"
#include "httpd/gzip.h"
#include "httpd/server.h"
#include "httpd/testing/raw_client.h"

namespace kneepoint::httpd {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RawClient;
using ::testing::StartsWith;

constexpr std::string_view kRead = "0123456789abcdef-read", kWrite = "0123456789abcdef-write",
                           kDeploy = "0123456789abcdef-deploy";

std::vector<Route> routes() {
  const auto made = [](std::string method, std::string path, Right right) {
    Route route;
    route.method = std::move(method);
    route.path = std::move(path);
    route.right = right;
    route.body_limit = 1000;
    route.handle = [](const Request& request, const std::shared_ptr<Reply>& reply) {
      reply->answer(text_answer(200, "done for " + request.caller + "\n"));
    };
    return route;
  };
  return {made("GET", "/v1/look", Right::Read), made("POST", "/v1/ask", Right::Read),
          made("POST", "/v1/write", Right::Write), made("POST", "/v1/deploy", Right::Deploy)};
}

Options quick() {
  Options options;
  options.threads = 1;
  options.timeouts.round = 10ms;
  return options;
}

std::unique_ptr<Server> serve(Options options = quick()) {
  auto server = Server::start(std::move(options), routes());
  if (!server) throw std::runtime_error(server.error().message);
  return std::move(*server);
}

std::shared_ptr<TokenTable> tokens() {
  const auto path = ::testing::TempDir() + "kneepoint-safety-" + std::to_string(::getpid());
  std::ofstream(path) << "reader read " << kRead << "\nwriter write " << kWrite << "\nops deploy "
                      << kDeploy << "\n";
  ::chmod(path.c_str(), 0600);
  auto table = TokenTable::open(path);
  std::filesystem::remove(path);
  return std::move(*table);
}

std::string request(std::string_view method, std::string_view target, std::string_view fields = "",
                    std::string_view host = "localhost") {
  return std::string(method) + " " + std::string(target) +
         " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" +
         (method == "POST" ? "Content-Length: 0\r\n" : "") + std::string(fields) + "\r\n";
}

std::string ask(const Server& server, std::string_view text) {
  RawClient client(server.port());
  client.say(text);
  return client.answer();
}

int status(const std::string& answer) {
  return answer.size() > 12 ? std::atoi(answer.c_str() + 9) : 0;
}

std::string bearer(std::string_view token) {
  return "Authorization: Bearer " + std::string(token) + "\r\n";
}

TEST(Tokens, AllowWhatTheirRightDoes) {
  auto options = quick();
  options.tokens = tokens();
  const auto server = serve(options);
  const auto asked = [&](std::string_view method, std::string_view path, std::string_view token) {
    return status(ask(*server, request(method, path, token.empty() ? "" : bearer(token))));
  };
  struct Case {
    std::string_view method, path;
    int nobody, read, write, deploy;
  };
  for (const auto& each :
       {Case{"GET", "/v1/look", 401, 200, 200, 200}, Case{"POST", "/v1/ask", 401, 200, 200, 200},
        Case{"POST", "/v1/write", 401, 403, 200, 200},
        Case{"POST", "/v1/deploy", 401, 403, 403, 200}, Case{"GET", "/metrics", 401, 200, 200, 200},
        Case{"GET", "/healthz", 200, 200, 200, 200}, Case{"GET", "/gone", 401, 404, 404, 404},
        Case{"PUT", "/v1/look", 401, 405, 405, 405}}) {
    EXPECT_EQ(asked(each.method, each.path, ""), each.nobody) << each.path;
    EXPECT_EQ(asked(each.method, each.path, kRead), each.read) << each.path;
    EXPECT_EQ(asked(each.method, each.path, kWrite), each.write) << each.path;
    EXPECT_EQ(asked(each.method, each.path, kDeploy), each.deploy) << each.path;
  }
}

TEST(Tokens, CannotBeGuessedQuickly) {
  auto options = quick();
  options.tokens = tokens();
  options.limits.failed_tokens_per_second = 1;
  const auto server = serve(options);
  int unknown = 0, slowed = 0;
  std::string last;
  for (int i = 0; i < 50; ++i) {
    last = ask(*server, request("GET", "/v1/look", bearer("guess-" + std::to_string(i))));
    unknown += status(last) == 401;
    slowed += status(last) == 429;
  }
  EXPECT_LE(unknown, 6);
  EXPECT_GE(slowed, 44);
  EXPECT_THAT(last, HasSubstr("Retry-After: "));
}

TEST(AReadOnlyServer, TakesNoWritesFromAnybody) {
  auto options = quick();
  options.most = Right::Read;
  options.tokens = tokens();
  const auto server = serve(options);
  const auto answer = ask(*server, request("POST", "/v1/write", bearer(kDeploy)));
  EXPECT_EQ(status(answer), 403);
  EXPECT_THAT(answer, HasSubstr("READ_ONLY"));
  EXPECT_EQ(status(ask(*server, request("POST", "/v1/ask", bearer(kRead)))), 200);
}

TEST(AServerWithoutDeploys, SaysThatItsOperatorMayAllowThem) {
  auto options = quick();
  options.most = Right::Write;
  const auto server = serve(options);
  EXPECT_EQ(status(ask(*server, request("POST", "/v1/write"))), 200);
  const auto answer = ask(*server, request("POST", "/v1/deploy"));
  EXPECT_EQ(status(answer), 403);
  EXPECT_THAT(answer, HasSubstr("DEPLOY_NOT_ALLOWED"));
}

TEST(DnsRebinding, GetsNoAnswer) {
  auto options = quick();
  options.allowed_hosts = {"kneepoint.example"};
  const auto server = serve(options);
  const auto refused = ask(*server, request("GET", "/v1/look", "", "evil.example"));
  EXPECT_EQ(status(refused), 421);
  EXPECT_THAT(refused, Not(HasSubstr("done")));
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look", "", "kneepoint.example:80"))), 200);
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look", "Host: evil.example\r\n"))), 400);
  EXPECT_EQ(status(ask(*server, "GET /v1/look HTTP/1.1\r\n\r\n")), 400);
  // The absolute form does not get around the field.
  EXPECT_EQ(status(ask(*server, request("GET", "http://localhost/v1/look", "", "evil.example"))),
            421);
}

TEST(CrossSiteRequests, ChangeNothing) {
  const auto server = serve();
  const auto from = [&](std::string_view fields) {
    return status(ask(*server, request("POST", "/v1/write", fields)));
  };
  EXPECT_EQ(from("Origin: http://evil.example\r\n"), 403);
  EXPECT_EQ(from("Origin: null\r\n"), 403);
  EXPECT_EQ(from("Sec-Fetch-Site: cross-site\r\n"), 403);
  EXPECT_EQ(from("Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n"), 200);
  EXPECT_EQ(from(""), 200) << "programs send neither";
  const auto preflight = ask(*server, request("OPTIONS", "/v1/write",
                                              "Origin: http://evil.example\r\n"
                                              "Access-Control-Request-Method: POST\r\n"));
  EXPECT_EQ(status(preflight), 403);
  EXPECT_THAT(preflight, Not(HasSubstr("Access-Control")));
}

TEST(TooLarge, IsRefusedWithItsOwnStatus) {
  const auto server = serve();
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look?" + std::string(9'000, 'a')))), 414);
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look", "X: " + std::string(20'000, 'a')))),
            431);
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "X: 1\r\n";
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look", many))), 431);
  const auto body = [](std::string_view fields, std::string_view bytes) {
    return "POST /v1/ask HTTP/1.1\r\nHost: localhost\r\n" + std::string(fields) + "\r\n" +
           std::string(bytes);
  };
  const std::string large(1001, 'b');
  EXPECT_EQ(status(ask(*server, body("Content-Length: 1001\r\n", large))), 413);
  EXPECT_EQ(status(ask(*server, body("Content-Length: 1000\r\n", large.substr(1)))), 200);
  EXPECT_EQ(status(ask(*server, body("Content-Length: 99999999999999999\r\n", "x"))), 413);
  EXPECT_EQ(status(ask(*server, body("Transfer-Encoding: chunked\r\n", "3e9\r\n" + large))), 413);
  EXPECT_EQ(status(ask(*server, body("Transfer-Encoding: chunked\r\n", "fffffffffffffff\r\n"))),
            413);
  const auto bomb = gzip(std::string(10 << 20, 'a'), 9).substr(0, 999);
  EXPECT_EQ(status(ask(*server, body("Content-Encoding: gzip\r\nContent-Length: " +
                                         std::to_string(bomb.size()) + "\r\n",
                                     bomb))),
            413);
  EXPECT_EQ(status(ask(*server, body("Content-Encoding: br\r\nContent-Length: 1\r\n", "x"))), 415);
}

TEST(Nonsense, IsAnsweredOrCutButNeverServed) {
  const auto server = serve();
  for (const std::string& text :
       {std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"), std::string("\x16\x03\x01 tls"),
        std::string("GET / HTTP/9.9\r\n\r\n"), std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        std::string("GET /\0 HTTP/1.1\r\n\r\n", 19),
        std::string("GET /v1/look HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                    "5\r\nContent-Length: 6\r\n\r\n"),
        std::string(
            "POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: "
            "chunked\r\n\r\n0\r\n\r\nGET /v1/look HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        std::string("POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                    "chunked\r\n\r\nzz\r\n\r\n")}) {
    RawClient client(server->port());
    client.say(text);
    ::shutdown(client.descriptor(), SHUT_WR);
    const auto said = client.rest();
    EXPECT_TRUE(said.empty() || status(said) >= 400) << text << " -> " << said;
    EXPECT_THAT(said, Not(HasSubstr("done"))) << text;
  }
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look"))), 200);
}

TEST(RateLimits, AreOfOneCaller) {
  auto options = quick();
  options.limits.requests_per_second = 1;
  options.limits.burst = 3;
  options.tokens = tokens();
  const auto server = serve(options);
  int passed = 0;
  std::string last;
  for (int i = 0; i < 10; ++i) {
    last = ask(*server, request("GET", "/v1/look", bearer(kRead)));
    passed += status(last) == 200;
  }
  EXPECT_EQ(passed, 3);
  EXPECT_EQ(status(last), 429);
  EXPECT_THAT(last, HasSubstr("Retry-After: 1\r\n"));
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look", bearer(kWrite)))), 200);
  EXPECT_EQ(status(ask(*server, request("GET", "/healthz"))), 200);
}

TEST(TheLog, HoldsNoSecrets) {
  std::mutex mutex;
  std::string log;
  auto options = quick();
  options.tokens = tokens();
  options.log = [&](std::string_view line) {
    const std::scoped_lock lock(mutex);
    log.append(line).append("\n");
  };
  const auto server = serve(options);
  ask(*server, request("GET", "/v1/look?access_token=query-secret&key=more",
                       bearer(kRead) + "X-Request-Id: seen-42\r\nCookie: cookie-secret\r\n"));
  ask(*server, request("GET", "/v1/look", bearer("wrong-secret-0123456789")));
  server->stop();  // a line is written after its answer
  const std::scoped_lock lock(mutex);
  EXPECT_THAT(log, HasSubstr("\"request\":\"seen-42\",\"caller\":\"reader\""));
  EXPECT_THAT(log, HasSubstr("\"status\":401"));
  EXPECT_THAT(log, Not(HasSubstr("secret")));
  EXPECT_THAT(log, Not(HasSubstr(std::string(kRead))));
}

TEST(SlowClients, AreCutAndDoNotStopOthers) {
  auto options = quick();
  options.timeouts.header = 200ms;
  options.timeouts.body = 200ms;
  const auto server = serve(options);
  std::vector<RawClient> slow;
  for (int i = 0; i < 300; ++i) {
    slow.emplace_back(server->port());
    slow.back().say(
        i % 2 == 0 ? "GET /v1/look HTTP/1.1\r\nHost: loc"
                   : "POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nab");
  }
  // A byte now and then buys no time.
  const auto until = std::chrono::steady_clock::now() + 1s;
  int served = 0;
  std::chrono::nanoseconds longest{0};
  while (std::chrono::steady_clock::now() < until) {
    for (auto& each : slow) each.say("x");
    const auto before = std::chrono::steady_clock::now();
    served += status(ask(*server, request("GET", "/v1/look"))) == 200;
    longest =
        std::max<std::chrono::nanoseconds>(longest, std::chrono::steady_clock::now() - before);
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_GT(served, 10);
  EXPECT_LT(longest, 900ms);
  for (int i = 0; i < 500 && server->connections() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server->connections(), 0U);
}

TEST(ASlowReader, IsCut) {
  auto options = quick();
  options.timeouts.write = 100ms;
  Route route;
  route.method = "GET";
  route.path = "/v1/large";
  const auto large = std::make_shared<const std::string>(64 << 20, 'z');
  route.handle = [&](const Request&, const std::shared_ptr<Reply>& reply) {
    Answer answer;
    answer.content_type = "application/octet-stream";
    answer.body = large;
    reply->answer(std::move(answer));
  };
  options.limits.pace = std::size_t{1} << 30;
  auto server = *Server::start(options, {route});
  RawClient client(server->port());
  client.say(request("GET", "/v1/large"));
  ASSERT_TRUE(client.hear());
  for (int i = 0; i < 500 && server->connections() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server->connections(), 0U);
}

TEST(AFullServer, GivesThePlaceOfTheOldestIdler) {
  auto options = quick();
  options.limits.connections = 50;
  const auto server = serve(options);
  std::vector<RawClient> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(server->port());
    idle.back().say(request("GET", "/healthz"));
    EXPECT_EQ(status(idle.back().answer()), 200) << i;
  }
  EXPECT_LE(server->connections(), 51U);
  EXPECT_FALSE(idle.front().hear(2s));
  EXPECT_TRUE(idle.front().over());
}

std::size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  return 0;
}

/// Opens connections from a process of its own, half of them after one request: both ends together
/// are more files than one process may have open. Told the port, it says how many it holds.
class IdleClients {
 public:
  explicit IdleClients(int wanted) {
    if (::pipe(to_) != 0 || ::pipe(from_) != 0) throw std::runtime_error("no pipe");
    child_ = ::fork();
    if (child_ != 0) return;
    ::close(to_[1]);
    std::uint16_t port = 0;
    if (::read(to_[0], &port, sizeof port) != sizeof port) ::_exit(1);
    std::vector<RawClient> idle;
    idle.reserve(static_cast<std::size_t>(wanted));
    int held = 0;
    for (int i = 0; i < wanted; ++i) {
      idle.emplace_back(port);
      if (!idle.back().connected()) break;
      if (i % 2 == 0) {
        idle.back().say(request("GET", "/healthz"));
        if (status(idle.back().answer()) != 200) break;
      }
      ++held;
    }
    if (::write(from_[1], &held, sizeof held) < 0) ::_exit(1);
    char end;
    ::_exit(::read(to_[0], &end, 1) > 0);  // until the test lets go
  }
  ~IdleClients() {
    ::close(to_[1]);
    ::waitpid(child_, nullptr, 0);
    for (const int each : {to_[0], from_[0], from_[1]}) ::close(each);
  }
  IdleClients(const IdleClients&) = delete;

  int open(std::uint16_t port) {
    int held = 0;
    if (::write(to_[1], &port, sizeof port) < 0 || ::read(from_[0], &held, sizeof held) < 0)
      return -1;
    return held;
  }

 private:
  int to_[2], from_[2];
  pid_t child_ = -1;
};

TEST(TenThousandIdleConnections, CostLittleAndStopNobody) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 12'000);
  ::setrlimit(RLIMIT_NOFILE, &files);
  ASSERT_GE(files.rlim_cur, 10'200U) << "raise the limit of open files: ulimit -n";
  IdleClients clients(10'000);  // before there are threads
  const auto server = serve();
  const auto before = resident_kib();
  ASSERT_EQ(clients.open(server->port()), 10'000);
  for (int i = 0; i < 500 && server->connections() < 10'000; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server->connections(), 10'000U);
  EXPECT_EQ(status(ask(*server, request("GET", "/v1/look"))), 200);
  const auto each = static_cast<double>(resident_kib() - before) / 10'000;
  std::printf("10000 idle connections: %.1f KiB each in user space\n", each);
  EXPECT_LT(each, 16);
}

}  // namespace
}  // namespace kneepoint::httpd
