#include "http/client.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "http/sse.h"
#include "http/stream_chunk.h"

namespace kneepoint::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// One connection of the server below, seen from its script. Blocking.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}

  /// The head of the next request and its body; "" when the client closed.
  std::string read_request() {
    std::string text;
    std::array<char, 4096> bytes{};
    while (true) {
      const std::size_t end = text.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::size_t at = text.find("Content-Length: ");
        const std::size_t size = at < end ? std::stoul(text.substr(at + 16, 12)) : 0;
        if (text.size() >= end + 4 + size) return text;
      }
      const ssize_t count = recv(socket_, bytes.data(), bytes.size(), 0);
      if (count <= 0) return {};
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }
  void say(std::string_view text) { send(socket_, text.data(), text.size(), MSG_NOSIGNAL); }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  int socket_;
};

/// Runs the script for each connection, one after another or, when asked, all at once.
class Server {
 public:
  using Script = std::function<void(Peer&, int connection)>;

  explicit Server(Script script) : script_(std::move(script)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 128), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  Endpoint endpoint() const {
    return resolve(Url{.tls = false, .host = "127.0.0.1", .port = port_, .base = ""}).value();
  }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    std::vector<std::thread> peers;
    while (true) {
      const int socket = accept(listener_, nullptr, nullptr);
      if (socket < 0) break;
      peers.emplace_back([this, socket, number = connections_++] {
        Peer peer(socket);
        script_(peer, number);
        close(socket);
      });
    }
    for (std::thread& peer : peers) peer.join();
  }

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

struct Call final : Exchange {
  void on_head(const ResponseHead& given, Stamp) override { head = given; }
  void on_body(std::string_view bytes, Stamp stamp) override {
    body += bytes;
    stamps.push_back(stamp);
    if (on_bytes) on_bytes();
  }
  void on_end(const Ending& given) override {
    EXPECT_FALSE(ending) << "told twice";
    ending = given;
    if (then) then();
  }
  ResponseHead head;
  std::string body;
  std::vector<Stamp> stamps;
  std::optional<Ending> ending;
  std::function<void()> on_bytes;
  std::function<void()> then;
};

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class ClientTest : public ::testing::Test {
 protected:
  void use(Server::Script script, ClientOptions options = {}) {
    server_ = std::make_unique<Server>(std::move(script));
    client_ = std::make_unique<Client>(*loop_, server_->endpoint(), options);
  }
  std::string wire() const {
    return to_wire(server_->endpoint().url, {.path = "/v1/completions", .fields = {}, .body = "{}"})
        .value();
  }
  const Ending& finish(Call& call) {
    EXPECT_TRUE(loop_->run_until([&] { return call.ending.has_value(); }, loop_->now() + 10s));
    static const Ending kNone;
    return call.ending ? *call.ending : kNone;
  }
  const Ending& ask(Call& call) {
    client_->send(wire(), call);
    EXPECT_FALSE(call.ending) << "from inside send()";
    return finish(call);
  }
  void TearDown() override {
    client_.reset();  // its connections close, so the server's scripts end
    server_.reset();
  }

  std::unique_ptr<Loop> loop_ = Loop::open().value();
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
};

void answer_all(Peer& peer, int) {
  while (!peer.read_request().empty()) peer.say(kAnswer);
}

TEST_F(ClientTest, AKeptConnectionServesAgain) {
  use(answer_all);
  for (int i = 0; i < 5; ++i) {
    Call call;
    const Ending& ending = ask(call);
    EXPECT_EQ(ending.outcome, Outcome::Complete) << ending.reason;
    EXPECT_EQ(ending.status, 200);
    EXPECT_EQ(call.body, "ok");
    EXPECT_EQ(ending.reused, i > 0);
    EXPECT_FALSE(ending.resent);
  }
  EXPECT_EQ(server_->connections(), 1);
  EXPECT_EQ(client_->idle_connections(), 1u);
}

TEST_F(ClientTest, TimesAreInOrder) {
  use(answer_all);
  Call call;
  const Ending& ending = ask(call);
  ASSERT_TRUE(ending.connected && ending.sent && ending.first_byte && ending.last_byte);
  EXPECT_LE(ending.asked, *ending.connected);
  EXPECT_LE(*ending.connected, *ending.sent);
  EXPECT_LE(*ending.connected, ending.first_byte->at);
  EXPECT_LE(ending.first_byte->at, ending.last_byte->at);
  EXPECT_LE(ending.last_byte->at, loop_->now());
}

TEST_F(ClientTest, WarmConnectionsAreOpenBeforeTheFirstRequest) {
  use(answer_all);
  std::optional<Client::Warmed> warmed;
  client_->warm(8, [&](const Client::Warmed& given) { warmed = given; });
  ASSERT_TRUE(loop_->run_until([&] { return warmed.has_value(); }, loop_->now() + 10s));
  EXPECT_EQ(warmed->open, 8u);
  EXPECT_EQ(client_->idle_connections(), 8u);
  std::array<Call, 8> calls;
  for (Call& call : calls) client_->send(wire(), call);
  for (Call& call : calls) EXPECT_EQ(finish(call).outcome, Outcome::Complete);
  EXPECT_EQ(client_->stats().connections, 8u);
  EXPECT_FALSE(calls[0].ending->reused) << "opened for it, though early";
}

TEST_F(ClientTest, AServerThatClosesInSpiteOfItsWordCostsNoRequest) {
  use([](Peer& peer, int) {
    if (!peer.read_request().empty()) {
      peer.say("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  for (int i = 0; i < 20; ++i) {
    Call call;
    const Ending& ending = ask(call);
    EXPECT_EQ(ending.outcome, Outcome::Complete) << i << ": " << ending.reason;
    EXPECT_EQ(call.body, "ok");
  }
}

TEST_F(ClientTest, ARequestThatMetAClosingServerIsSentOnceMore) {
  use([](Peer& peer, int connection) {
    peer.read_request();
    peer.say(kAnswer);
    if (connection == 0) {
      peer.read_request();  // taken, and never answered
      return;
    }
    while (!peer.read_request().empty()) peer.say(kAnswer);
  });
  Call first;
  ask(first);
  Call second;
  const Ending& ending = ask(second);
  EXPECT_EQ(ending.outcome, Outcome::Complete) << ending.reason;
  EXPECT_TRUE(ending.resent);
  EXPECT_EQ(second.body, "ok");
}

TEST_F(ClientTest, AFreshConnectionThatClosesIsNotTriedAgain) {
  use([](Peer& peer, int) { peer.read_request(); });
  Call call;
  const Ending& ending = ask(call);
  EXPECT_EQ(ending.outcome, Outcome::Cut);
  EXPECT_THAT(ending.reason, HasSubstr("before any answer"));
  EXPECT_FALSE(ending.resent);
}

TEST_F(ClientTest, RefusedIsSaid) {
  Endpoint nobody;
  {
    const Server gone([](Peer&, int) {});
    nobody = gone.endpoint();
  }
  Client client(*loop_, nobody);
  Call call;
  client.send("GET / HTTP/1.1\r\n\r\n", call);
  EXPECT_FALSE(call.ending);
  const Ending& ending = finish(call);
  EXPECT_EQ(ending.outcome, Outcome::NotConnected);
  EXPECT_THAT(ending.reason, HasSubstr("refused"));
  std::optional<Client::Warmed> warmed;
  client.warm(2, [&](const Client::Warmed& given) { warmed = given; });
  ASSERT_TRUE(loop_->run_until([&] { return warmed.has_value(); }, loop_->now() + 10s));
  EXPECT_EQ(warmed->open, 0u);
  EXPECT_THAT(warmed->reason, HasSubstr("refused"));
}

TEST_F(ClientTest, AStallEndsWithPatience) {
  use(
      [](Peer& peer, int) {
        peer.read_request();
        peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
        peer.read_request();
      },
      {.patience = {.silence = 20ms}});
  Call call;
  const Ending& ending = ask(call);
  EXPECT_EQ(ending.outcome, Outcome::TimedOut);
  EXPECT_THAT(ending.reason, HasSubstr("for more of the answer"));
  EXPECT_EQ(ending.status, 200);
  EXPECT_EQ(call.body, "a");
}

TEST_F(ClientTest, PatienceForTheFirstByteAndForTheWhole) {
  use([](Peer& peer, int) {
    peer.read_request();
    peer.read_request();
  });
  Call first;
  client_->send(wire(), first, {.first_byte = 10ms});
  EXPECT_THAT(finish(first).reason, HasSubstr("for the first byte"));
  Call whole;
  client_->send(wire(), whole, {.whole = 10ms});
  EXPECT_THAT(finish(whole).reason, HasSubstr("for the whole answer"));
  EXPECT_EQ(whole.ending->outcome, Outcome::TimedOut);
}

TEST_F(ClientTest, AKeptConnectionHasPatienceAgain) {
  use(
      [](Peer& peer, int) {
        peer.read_request();
        peer.say(kAnswer);
        peer.read_request();
        peer.read_request();
      },
      {.patience = {.first_byte = 30ms}});
  Call first;
  EXPECT_EQ(ask(first).outcome, Outcome::Complete);
  Call second;
  EXPECT_EQ(ask(second).outcome, Outcome::TimedOut);
  EXPECT_TRUE(second.ending->reused);
}

TEST_F(ClientTest, ACutStreamIsNoCompleteOne) {
  for (const bool hard : {false, true}) {
    use([hard](Peer& peer, int) {
      peer.read_request();
      peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n5\r\nda");
      if (hard) {
        std::this_thread::sleep_for(20ms);  // or the reset would overtake what was said
        peer.reset();
      }
    });
    Call call;
    const Ending& ending = ask(call);
    EXPECT_EQ(ending.outcome, Outcome::Cut);
    EXPECT_THAT(ending.reason, HasSubstr("inside the answer"));
    EXPECT_EQ(call.body, "data: a\n\nda");
    TearDown();
  }
}

TEST_F(ClientTest, AnErrorInAStreamIsACompleteAnswerWithAnError) {
  use([](Peer& peer, int) {
    peer.read_request();
    peer.say(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        "data: {\"error\": {\"message\": \"busy\", \"code\": 503}}\n\ndata: [DONE]\n\n");
  });
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::Complete);
  EXPECT_TRUE(call.head.is_event_stream());
  SseDecoder events;
  StreamChunkDecoder chunks;
  events.feed(call.body);
  const auto event = events.next();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*chunks.decode((*event)->data))->error.value().code, 503);
}

TEST_F(ClientTest, WhatIsNoHttpIsSaid) {
  use([](Peer& peer, int) {
    peer.read_request();
    peer.say("220 smtp.example ESMTP\r\n\r\n");
  });
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::NotHttp);
}

TEST_F(ClientTest, CancelClosesAndTellsOnce) {
  use([](Peer& peer, int) {
    peer.read_request();
    peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n");
    EXPECT_EQ(peer.read_request(), "") << "the server sees the client go";
  });
  Call call;
  const auto id = client_->send(wire(), call);
  call.on_bytes = [&] {
    client_->cancel(id);
    client_->cancel(id);
  };
  EXPECT_EQ(finish(call).outcome, Outcome::Cancelled);
  EXPECT_EQ(call.body, "a") << "nothing is told after a cancel";
  client_->cancel(id);
  EXPECT_EQ(client_->busy_connections(), 0u);

  Call early;
  client_->cancel(client_->send(wire(), early));
  EXPECT_EQ(finish(early).outcome, Outcome::Cancelled);
}

TEST_F(ClientTest, AnEndMaySendTheNext) {
  use(answer_all);
  std::array<Call, 50> calls;
  for (std::size_t i = 0; i + 1 < calls.size(); ++i) {
    calls[i].then = [this, &calls, i] { client_->send(wire(), calls[i + 1]); };
  }
  client_->send(wire(), calls[0]);
  EXPECT_EQ(finish(calls.back()).outcome, Outcome::Complete);
  EXPECT_EQ(client_->stats().connections, 1u);
}

TEST_F(ClientTest, ALargeRequestIsSentInPieces) {
  use([](Peer& peer, int) {
    std::this_thread::sleep_for(5ms);
    const std::string request = peer.read_request();
    const std::string size = std::to_string(request.size());
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size.size()) + "\r\n\r\n" +
             size);
  });
  const std::string wire =
      to_wire(server_->endpoint().url,
              {.path = "/", .fields = {}, .body = std::string(std::size_t{16} << 20, 'x')})
          .value();
  Call call;
  client_->send(wire, call);
  EXPECT_EQ(finish(call).outcome, Outcome::Complete) << call.ending->reason;
  EXPECT_EQ(call.body, std::to_string(wire.size()));
}

TEST_F(ClientTest, AClientMayGoWithRequestsUnderWay) {
  use([](Peer& peer, int) { peer.read_request(); });
  Call call;
  client_->send(wire(), call);
  client_.reset();
  EXPECT_FALSE(loop_->run_until([] { return false; }, loop_->now() + 5ms));
  EXPECT_FALSE(call.ending);
}

// Where the kernel stamps packets, a read batched late still tells when its bytes came.
TEST_F(ClientTest, KernelStampsTellWhenBytesCameNotWhenTheyWereRead) {
  loop_ = Loop::open({.read_every = 100ms}).value();
  std::atomic<std::int64_t> said = 0;
  use([&](Peer& peer, int) {
    peer.read_request();
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
    std::this_thread::sleep_for(30ms);
    said = Clock::now().time_since_epoch().count();
    peer.say("b");
    peer.read_request();
  });
  Call call;
  ask(call);
  ASSERT_EQ(call.body, "ab");
  if (client_->stats().kernel_stamps == 0) GTEST_SKIP() << "this kernel gives no receive times";
  const Nanos late = call.stamps.back().at.time_since_epoch() - Nanos(said.load());
  EXPECT_GT(late, -1ms);
  EXPECT_LT(late, 50ms);
}

TEST_F(ClientTest, ACompressedAnswerIsRefusedInWords) {
  use([](Peer& peer, int) {
    EXPECT_THAT(peer.read_request(), HasSubstr("Accept-Encoding: identity\r\n"));
    peer.say(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n\x1f\x8b_______");
  });
  Call call;
  const Ending& ending = ask(call);
  EXPECT_EQ(ending.outcome, Outcome::NotHttp);
  EXPECT_EQ(ending.status, 200);
  EXPECT_THAT(ending.reason, HasSubstr("compressed (gzip)"));
  EXPECT_EQ(call.body, "");
}

TEST_F(ClientTest, AnEncodingThatChangesNothingIsNone) {
  use([](Peer& peer, int) {
    peer.read_request();
    peer.say("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nok");
    peer.read_request();
    peer.say("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n");
  });
  for (int i = 0; i < 2; ++i) {
    Call call;
    EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
  }
}

TEST(ToWire, WritesHostLengthAndBody) {
  const Url url = parse_url("http://a.example:8000/base").value();
  EXPECT_EQ(
      to_wire(url, {.path = url.path("/v1"), .fields = {{"X-Y", "z w"}}, .body = "{}"}),
      "POST /base/v1 HTTP/1.1\r\nHost: a.example:8000\r\nX-Y: z w\r\nAccept-Encoding: identity\r\n"
      "Content-Length: 2\r\n\r\n{}");
  EXPECT_EQ(
      to_wire(url,
              {.method = "GET", .path = "/", .fields = {{"accept-encoding", "x"}}, .body = ""}),
      "GET / HTTP/1.1\r\nHost: a.example:8000\r\naccept-encoding: x\r\n\r\n");
  EXPECT_EQ(to_wire(url, {.method = "GET", .path = "/metrics", .fields = {}, .body = ""}),
            "GET /metrics HTTP/1.1\r\nHost: a.example:8000\r\nAccept-Encoding: identity\r\n\r\n");
}

TEST(ToWire, RefusesWhatWouldBecomeStructure) {
  const Url url = parse_url("http://a").value();
  for (const Request& request : {
           Request{.method = "GE T", .path = "/", .fields = {}, .body = ""},
           Request{.method = "GET", .path = "x", .fields = {}, .body = ""},
           Request{.method = "GET", .path = "/ x", .fields = {}, .body = ""},
           Request{.method = "GET", .path = "/", .fields = {{"a", "b\r\nc: d"}}, .body = ""},
           Request{.method = "GET", .path = "/", .fields = {{"a:", "b"}}, .body = ""},
           Request{.method = "GET", .path = "/", .fields = {{"", "b"}}, .body = ""},
       }) {
    EXPECT_FALSE(to_wire(url, request));
  }
}

}  // namespace
}  // namespace kneepoint::http
