#include "http/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

#include "http/client.h"
#include "http/testing/tls_server.h"

namespace kneepoint::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseProxy, ReadsPlaceAndSecret) {
  const auto proxy = parse_proxy("http://me:p%40ss%3a@gate.example:3128");
  ASSERT_TRUE(proxy);
  EXPECT_EQ(proxy->url.host, "gate.example");
  EXPECT_EQ(proxy->url.port, 3128);
  EXPECT_EQ(proxy->user_and_password, "me:p@ss:");
  EXPECT_EQ(proxy->authorization(), "Basic bWU6cEBzczo=");
  EXPECT_EQ(parse_proxy("gate:8080/")->url.port, 8080);
  EXPECT_EQ(parse_proxy("gate:8080")->authorization(), "");
  EXPECT_EQ(parse_proxy("u@gate")->user_and_password, "u:");
  // RFC 4648, section 10.
  EXPECT_EQ((Proxy{.url = {}, .user_and_password = "fooba"}.authorization()), "Basic Zm9vYmE=");
  EXPECT_EQ((Proxy{.url = {}, .user_and_password = "foob"}.authorization()), "Basic Zm9vYg==");
  EXPECT_EQ((Proxy{.url = {}, .user_and_password = "foobar"}.authorization()), "Basic Zm9vYmFy");
}

TEST(ParseProxy, NoErrorRepeatsTheSecret) {
  for (const char* text :
       {"https://me:pa55@gate", "socks5://me:pa55@gate:1", "http://me:pa55@gate:x",
        "http://me:pa55%zz@gate", "me:pa55@", "me:pa55@gate/path", "me:pa55@a b"}) {
    const auto proxy = parse_proxy(text);
    ASSERT_FALSE(proxy) << text;
    EXPECT_EQ(proxy.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(proxy.error().message, Not(HasSubstr("pa55"))) << text;
    EXPECT_THAT(proxy.error().message, HasSubstr("proxy"));
  }
}

bool goes_through(const char* url, const std::string& no_proxy = "") {
  const ProxySettings settings{
      .http_proxy = "http://gate:1", .https_proxy = "http://gate:2", .no_proxy = no_proxy};
  return pick_proxy(parse_url(url).value(), settings).value().has_value();
}

TEST(PickProxy, ByTheSchemeOfTheServer) {
  const ProxySettings both{.http_proxy = "gate:1", .https_proxy = "gate:2", .no_proxy = ""};
  EXPECT_EQ((*pick_proxy(parse_url("http://a").value(), both))->url.port, 1);
  EXPECT_EQ((*pick_proxy(parse_url("https://a").value(), both))->url.port, 2);
  EXPECT_FALSE(*pick_proxy(parse_url("https://a").value(), {.http_proxy = "gate:1"}));
  EXPECT_FALSE(pick_proxy(parse_url("http://a").value(), {.http_proxy = "ftp://gate:1"}));
}

TEST(PickProxy, NotForThisMachine) {
  for (const char* url :
       {"http://localhost:8000", "http://127.0.0.1", "https://127.8.9.1", "http://[::1]:80"}) {
    EXPECT_FALSE(goes_through(url)) << url;
  }
  EXPECT_TRUE(goes_through("http://128.0.0.1"));
}

TEST(PickProxy, ExceptWhatNoProxyNames) {
  struct Case {
    const char* url;
    const char* no_proxy;
    bool through;
  };
  for (const Case& c : {
           Case{"http://a.example", "*", false},
           Case{"http://a.example", "b.example, example", false},
           Case{"http://a.example", ".example", false},
           Case{"http://a.example", "*.example", false},
           Case{"http://A.Example", "a.exAMPLE.", false},
           Case{"http://a.example", "ple", true},
           Case{"http://example", ".example", false},
           Case{"http://a.example", "", true},
           Case{"http://a.example", ",,", true},
           Case{"http://a.example", ".", true},
           Case{"http://a.example:8000", "a.example:8000", false},
           Case{"http://a.example:8001", "a.example:8000", true},
           Case{"http://10.1.2.3", "10.0.0.0/8", false},
           Case{"http://11.1.2.3", "10.0.0.0/8", true},
           Case{"http://10.1.2.3", "10.1.2.3", false},
           Case{"http://10.1.2.3", "1.2.3", true},
           Case{"http://10.1.2.3", "10.0.0.0/99", true},
           Case{"http://[fd00::1]", "fd00::/8", false},
           Case{"http://[fd00:0::1]:80", "[fd00::1]:80", false},
           Case{"http://[fd00::1]", "fd00::1", false},
           Case{"http://[fe00::1]", "fd00::/8", true},
       }) {
    EXPECT_EQ(goes_through(c.url, c.no_proxy), c.through) << c.url << " no_proxy " << c.no_proxy;
  }
}

struct Call final : Exchange {
  void on_body(std::string_view bytes, Stamp) override { body += bytes; }
  void on_end(const Ending& given) override { ending = given; }
  std::string body;
  std::optional<Ending> ending;
};

/// Answers requests itself, or opens tunnels to a port of this machine; keeps the first head.
class ProxyServer {
 public:
  ProxyServer(std::string answer, std::uint16_t tunnel_to)
      : answer_(std::move(answer)), tunnel_to_(tunnel_to) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ProxyServer() { stop(); }

  std::string stop() {
    if (thread_.joinable()) {
      shutdown(listener_, SHUT_RDWR);
      thread_.join();
      close(listener_);
    }
    return head_;
  }
  Proxy proxy(const std::string& secret = "") const {
    return {.url = {.tls = false, .host = "127.0.0.1", .port = port_, .base = ""},
            .user_and_password = secret};
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  void serve() {
    while (true) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      std::string head;
      char byte = 0;
      while (head.find("\r\n\r\n") == std::string::npos && recv(client, &byte, 1, 0) == 1)
        head += byte;
      if (head_.empty()) head_ = head;
      send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
      if (tunnel_to_ != 0) tunnel(client);
      close(client);
    }
  }
  void tunnel(int client) const {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = loopback(tunnel_to_);
    EXPECT_EQ(::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    std::array<pollfd, 2> both{pollfd{client, POLLIN, 0}, pollfd{server, POLLIN, 0}};
    std::array<char, 4096> bytes{};
    for (bool open = true; open;) {
      poll(both.data(), both.size(), -1);
      for (std::size_t i = 0; i < 2 && open; ++i) {
        if (both[i].revents == 0) continue;
        const ssize_t count = recv(both[i].fd, bytes.data(), bytes.size(), 0);
        open = count > 0;
        if (open) send(both[1 - i].fd, bytes.data(), static_cast<std::size_t>(count), MSG_NOSIGNAL);
      }
    }
    close(server);
  }

  std::string answer_;
  std::uint16_t tunnel_to_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::string head_;
  std::thread thread_;
};

const Ending& ask(Loop& loop, Client& client, const Url& url, Call& call) {
  client.send(to_wire(url, {.path = url.path("/v1"), .fields = {}, .body = "{}"}).value(), call);
  EXPECT_TRUE(loop.run_until([&] { return call.ending.has_value(); }, loop.now() + 10s));
  static const Ending kNone;
  return call.ending ? *call.ending : kNone;
}

TEST(ThroughAProxy, HttpIsAskedForByItsWholeAddress) {
  ProxyServer gate("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0);
  const auto loop = Loop::open().value();
  const Url url = parse_url("http://nowhere.invalid:8000/base").value();  // only the proxy knows it
  Call call;
  {
    Client client(*loop, resolve(url, {.tls = {}, .proxy = gate.proxy("me:pass")}).value());
    EXPECT_EQ(ask(*loop, client, url, call).outcome, Outcome::Complete) << call.ending->reason;
  }
  EXPECT_EQ(call.body, "ok");
  EXPECT_EQ(gate.stop(),
            "POST http://nowhere.invalid:8000/base/v1 HTTP/1.1\r\n"
            "Proxy-Authorization: Basic bWU6cGFzcw==\r\nHost: nowhere.invalid:8000\r\n"
            "Accept-Encoding: identity\r\nContent-Length: 2\r\n\r\n");
}

TEST(ThroughAProxy, HttpsGoesInATunnelAndTheSecretStaysOutside) {
  std::string name = std::filesystem::temp_directory_path() / "kp_proxy_test.XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(name.data());
  const auto identity = testing::make_identity({.names = "DNS:model.invalid"});
  identity.write(folder / "ca.pem", {});
  std::string seen;
  testing::TlsServer server(identity,
                            [&](testing::TlsPeer& peer, int) {
                              while (true) {
                                const std::string request = peer.read_request();
                                if (request.empty()) return;
                                seen += request;
                                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                              }
                            },
                            {});
  ProxyServer gate("HTTP/1.1 200 Connection established\r\nContent-Length: 7\r\n\r\n",
                   server.port());
  const auto loop = Loop::open().value();
  const Url url = parse_url("https://model.invalid/base").value();
  {
    Client client(
        *loop, resolve(url, {.tls = {.module_folder = KP_BINARY_DIR, .ca_file = folder / "ca.pem"},
                             .proxy = gate.proxy("me:pass")})
                   .value());
    for (int i = 0; i < 2; ++i) {
      Call call;
      EXPECT_EQ(ask(*loop, client, url, call).outcome, Outcome::Complete) << call.ending->reason;
      EXPECT_EQ(call.body, "ok");
      EXPECT_EQ(call.ending->reused, i > 0);
    }
  }
  EXPECT_EQ(gate.stop(),
            "CONNECT model.invalid:443 HTTP/1.1\r\nHost: model.invalid:443\r\n"
            "Proxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n");
  EXPECT_THAT(seen, AllOf(HasSubstr("POST /base/v1 HTTP/1.1"), Not(HasSubstr("Proxy-"))));
  std::filesystem::remove_all(folder);
}

TEST(ThroughAProxy, ARefusalIsToldInWords) {
  const Url url = parse_url("https://model.invalid").value();
  const auto loop = Loop::open().value();
  const auto why = [&](const std::string& answer, const std::string& secret) {
    ProxyServer gate(answer, 0);
    Client client(
        *loop, resolve(url, {.tls = {.module_folder = KP_BINARY_DIR}, .proxy = gate.proxy(secret)})
                   .value());
    Call call;
    EXPECT_EQ(ask(*loop, client, url, call).outcome, Outcome::NotConnected);
    return call.ending->reason;
  };
  EXPECT_THAT(why("HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nno!", ""),
              HasSubstr("wants a user and password"));
  EXPECT_THAT(why("HTTP/1.1 407 No\r\n\r\n", "me:pass"),
              AllOf(HasSubstr("another user and password"), Not(HasSubstr("pass)"))));
  EXPECT_THAT(why("HTTP/1.1 502 Bad Gateway\r\n\r\n", ""),
              AllOf(HasSubstr("no way to model.invalid"), HasSubstr("502")));
  EXPECT_THAT(why("SSH-2.0-x\r\n\r\n", ""), HasSubstr("not an HTTP/1.1 response"));
  EXPECT_THAT(why("", ""), HasSubstr("closed"));
}

}  // namespace
}  // namespace kneepoint::http
