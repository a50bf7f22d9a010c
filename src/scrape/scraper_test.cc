#include "scrape/scraper.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "scrape/testing/pages.h"

namespace kneepoint::scrape {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Answers each request, by its number, with the bytes the test gives; nothing more is said, and
/// the connection stays, when it gives none.
class Server {
 public:
  explicit Server(std::function<std::string(int)> answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  http::Endpoint endpoint() const {
    return http::resolve({.tls = false, .host = "127.0.0.1", .port = port_, .base = ""}).value();
  }
  int requests() const { return requests_; }
  std::string last_head() const {
    const std::lock_guard lock(lock_);
    return head_;
  }

 private:
  void serve() {
    std::vector<std::thread> peers;
    for (int peer = 0; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
      peers.emplace_back([this, peer] {
        std::array<char, 4096> bytes{};
        for (ssize_t got = 0; (got = recv(peer, bytes.data(), bytes.size(), 0)) > 0;) {
          {
            const std::lock_guard lock(lock_);
            head_.assign(bytes.data(), static_cast<std::size_t>(got));
          }
          const std::string answer = answer_(requests_++);
          if (!answer.empty()) send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
        }
        close(peer);
      });
    }
    for (std::thread& peer : peers) peer.join();
  }

  std::function<std::string(int)> answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> requests_ = 0;
  mutable std::mutex lock_;
  std::string head_;
  std::thread thread_;
};

std::string ok(const std::string& page) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(page.size()) + "\r\n\r\n" + page;
}

bool eventually(const std::function<bool()>& holds) {
  const auto latest = http::Clock::now() + 10s;
  while (!holds()) {
    if (http::Clock::now() > latest) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

std::unique_ptr<Scraper> scraper_of(const Server& server, ScraperOptions options,
                                    http::Time start = http::Clock::now()) {
  auto map = SignalMap::of(shipped_catalog(KP_BINARY_DIR), "vllm", "0.32.0").value();
  return Scraper::start(server.endpoint(), "/metrics", std::move(map), start, std::move(options))
      .value();
}

TEST(Scraper, AsksAgainAndAgainAndTellsTheWindow) {
  const std::string page = page_of(KP_SOURCE_DIR, "vllm-0.32.0-under-load.prom");
  const Server server([&](int number) {
    return ok(replaced(
        page,
        "vllm:generation_tokens_total{engine=\"0\",model_name=\"tiny-llama\"} "
        "36476.0",
        "vllm:generation_tokens_total{engine=\"0\"} " + std::to_string(36000 + 10 * number)));
  });
  const auto scraper = scraper_of(server, {.interval = 10ms});
  ASSERT_TRUE(eventually([&] { return server.requests() > 20; }));
  ASSERT_TRUE(eventually([&] { return scraper->latest()->generation_tokens >= 36200; }));
  EXPECT_EQ(scraper->latest()->running, 8);
  const auto signals = scraper->mark({0s, 60s});
  EXPECT_GE(signals.samples.size(), 20u);
  EXPECT_EQ(signals.waiting.mean, 27);
  EXPECT_GT(signals.generation_tokens_per_second, 0);
  EXPECT_THAT(signals.warnings, IsEmpty());
  for (std::size_t i = 1; i < signals.samples.size(); ++i) {
    EXPECT_GT(signals.samples[i].at, signals.samples[i - 1].at);
  }
}

TEST(Scraper, TimesAreSinceTheStartOfTheRun) {
  const Server server([](int) { return ok("vllm:num_requests_running 1\n"); });
  const auto scraper = scraper_of(server, {.interval = 10ms}, http::Clock::now() - 100s);
  ASSERT_TRUE(eventually([&] { return scraper->latest().has_value(); }));
  EXPECT_GE(scraper->latest()->at, 100s);
  EXPECT_LT(scraper->latest()->at, 111s);
}

TEST(Scraper, AStalledServerIsAFailedScrapeAndNothingWaitsForIt) {
  const Server server([](int number) {
    return number == 0 ? std::string("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nvllm:num")
                       : std::string();
  });
  const auto asked = http::Clock::now();
  auto scraper = scraper_of(
      server, {.interval = 20ms,
               .patience = {.connect = 1s, .first_byte = 50ms, .silence = 50ms, .whole = 200ms}});
  EXPECT_FALSE(scraper->latest());
  EXPECT_LT(http::Clock::now() - asked, 1s);
  ASSERT_TRUE(eventually([&] {
    const auto warnings = scraper->mark({0s, 60s}).warnings;
    return !warnings.empty() && warnings[0].starts_with("3 of 3 scrapes");
  }));
  EXPECT_THAT(scraper->mark({0s, 60s}).warnings, ElementsAre(HasSubstr("timed")));
  const auto leaving = http::Clock::now();
  scraper.reset();
  EXPECT_LT(http::Clock::now() - leaving, 1s) << "it does not wait for a scrape under way";
}

TEST(Scraper, AnErrorStatusIsToldWithAdvice) {
  const Server server(
      [](int) { return std::string("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"); });
  const auto scraper = scraper_of(server, {.interval = 10ms});
  ASSERT_TRUE(eventually([&] { return server.requests() > 3; }));
  EXPECT_THAT(scraper->mark({0s, 60s}).warnings,
              ElementsAre(HasSubstr("status 404; are the server's metrics turned on")));
}

TEST(Scraper, APageTooLargeIsGivenUp) {
  const Server server([](int) { return ok(std::string(50'000, '#')); });
  const auto scraper = scraper_of(server, {.interval = 10ms, .largest_page = 10'000});
  ASSERT_TRUE(eventually(
      [&] { return !scraper->mark({0s, 60s}).warnings.empty() && server.requests() > 2; }));
  EXPECT_THAT(scraper->mark({0s, 60s}).warnings, ElementsAre(HasSubstr("more than 10000 bytes")));
}

TEST(Scraper, ARefusedConnectionIsToldAndTriedAgain) {
  http::Endpoint nobody;
  {
    const Server gone([](int) { return std::string(); });
    nobody = gone.endpoint();
  }
  auto map = SignalMap::of(shipped_catalog(KP_BINARY_DIR), "vllm", "0.32.0").value();
  const auto scraper =
      Scraper::start(nobody, "/metrics", std::move(map), http::Clock::now(), {.interval = 10ms})
          .value();
  ASSERT_TRUE(eventually([&] {
    const auto warnings = scraper->mark({0s, 60s}).warnings;
    return !warnings.empty() && !warnings[0].starts_with("1 of");
  }));
}

TEST(Scraper, APokeScrapesOutOfTurn) {
  const Server server([](int) { return ok("vllm:num_requests_running 1\n"); });
  const auto scraper = scraper_of(server, {.interval = 1h});
  ASSERT_TRUE(eventually([&] { return scraper->latest().has_value(); }));
  const Nanos first = scraper->latest()->at;
  scraper->poke();
  EXPECT_TRUE(eventually([&] { return scraper->latest()->at > first; }));
}

TEST(Scraper, SendsTheGivenFields) {
  Server server([](int) { return ok("vllm:num_requests_running 1\n"); });
  {
    const auto scraper = scraper_of(server, {.interval = 1h, .fields = {{"X-Team", "blue"}}});
    ASSERT_TRUE(eventually([&] { return scraper->latest().has_value(); }));
  }
  EXPECT_THAT(server.last_head(), HasSubstr("GET /metrics HTTP/1.1\r\n"));
  EXPECT_THAT(server.last_head(), HasSubstr("X-Team: blue\r\n"));
}

}  // namespace
}  // namespace kneepoint::scrape
