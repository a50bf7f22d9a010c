#include "http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "http/client.h"
#include "http/testing/tls_server.h"

namespace kneepoint::http {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Identity;
using testing::make_identity;
using testing::TlsPeer;
using testing::TlsServer;

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

void answer_all(TlsPeer& peer, int) {
  while (!peer.read_request().empty()) peer.say(kAnswer);
}

struct Call final : Exchange {
  void on_body(std::string_view bytes, Stamp stamp) override {
    body += bytes;
    stamps.push_back(stamp);
  }
  void on_end(const Ending& given) override {
    EXPECT_FALSE(ending) << "told twice";
    ending = given;
  }
  std::string body;
  std::vector<Stamp> stamps;
  std::optional<Ending> ending;
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    ::signal(SIGPIPE, SIG_IGN);  // of the servers here: OpenSSL writes to its sockets plainly
    std::string name = std::filesystem::temp_directory_path() / "kp_tls_test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    authority_ = make_identity({.names = "", .authority = true});
    authority_.write(folder_ / "ca.pem", {});
  }
  ~TlsTest() override {
    client_.reset();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  Identity issued(testing::IdentitySpec spec = {}) {
    spec.issuer = &authority_;
    return make_identity(spec);
  }
  TlsOptions trusting() const {
    return {.module_folder = KP_BINARY_DIR, .ca_file = folder_ / "ca.pem"};
  }
  void serve(const Identity& identity, TlsServer::Script script = answer_all,
             TlsServer::Options options = {}) {
    client_.reset();
    server_ = std::make_unique<TlsServer>(identity, std::move(script), options);
  }
  void connect(const TlsOptions& tls, const std::string& host = "127.0.0.1",
               ClientOptions options = {}) {
    url_ = Url{.tls = true, .host = host, .port = server_->port(), .base = ""};
    auto endpoint = resolve(url_, {.tls = tls, .proxy = {}});
    ASSERT_TRUE(endpoint) << endpoint.error().message;
    client_ = std::make_unique<Client>(*loop_, std::move(*endpoint), options);
  }
  const Ending& ask(Call& call, std::string body = "{}") {
    client_->send(to_wire(url_, {.path = "/", .fields = {}, .body = std::move(body)}).value(),
                  call);
    EXPECT_TRUE(loop_->run_until([&] { return call.ending.has_value(); }, loop_->now() + 10s));
    static const Ending kNone;
    return call.ending ? *call.ending : kNone;
  }
  /// Why no connection could be opened.
  std::string refused(const TlsOptions& tls, const std::string& host = "127.0.0.1") {
    connect(tls, host);
    Call call;
    const Ending& ending = ask(call);
    EXPECT_EQ(ending.outcome, Outcome::NotConnected) << name(ending.outcome);
    const Client::Warmed warmed = warm(1);
    EXPECT_EQ(warmed.open, 0u);
    EXPECT_EQ(warmed.reason, ending.reason);
    return ending.reason;
  }
  Client::Warmed warm(std::size_t count) {
    std::optional<Client::Warmed> warmed;
    client_->warm(count, [&](const Client::Warmed& given) { warmed = given; });
    EXPECT_TRUE(loop_->run_until([&] { return warmed.has_value(); }, loop_->now() + 10s));
    return warmed.value_or(Client::Warmed{});
  }

  std::filesystem::path folder_;
  Identity authority_;
  Url url_;
  std::unique_ptr<Loop> loop_ = Loop::open().value();
  std::unique_ptr<TlsServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(TlsTest, ATrustedServerIsSpokenToAndItsConnectionKept) {
  serve(issued());
  connect(trusting());
  for (int i = 0; i < 5; ++i) {
    Call call;
    const Ending& ending = ask(call);
    EXPECT_EQ(ending.outcome, Outcome::Complete) << ending.reason;
    EXPECT_EQ(call.body, "ok");
    EXPECT_EQ(ending.reused, i > 0);
    EXPECT_FALSE(ending.resent);
  }
  EXPECT_EQ(server_->connections(), 1);
  ASSERT_TRUE(client_->tls());
  EXPECT_EQ(client_->tls()->version, "TLSv1.3");
  client_.reset();
  EXPECT_EQ(server_->protocols(), "\x08http/1.1");
  EXPECT_EQ(server_->asked_for(), "") << "an address is not asked for by name";
}

TEST_F(TlsTest, ANameIsAskedForAndHeldAgainstTheCertificate) {
  serve(issued({.names = "DNS:localhost"}));
  connect(trusting(), "localhost");
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
  client_.reset();
  EXPECT_EQ(server_->asked_for(), "localhost");
}

TEST_F(TlsTest, Tls12IsSpokenAndNothingOlder) {
  serve(issued(), answer_all, {.most = TLS1_2_VERSION});
  connect(trusting());
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
  EXPECT_EQ(client_->tls()->version, "TLSv1.2");
  serve(issued(), answer_all, {.most = TLS1_1_VERSION});
  EXPECT_THAT(refused(trusting()), HasSubstr("speaks no TLS 1.2 or newer"));
}

TEST_F(TlsTest, WhomNobodyVouchesForIsRefused) {
  const Identity own = make_identity({});
  serve(own);
  EXPECT_THAT(refused(trusting()), AllOf(HasSubstr("certificate of 127.0.0.1 is not trusted"),
                                         HasSubstr("self-signed"), HasSubstr("--ca-file")));
  EXPECT_THAT(refused({.module_folder = KP_BINARY_DIR}), HasSubstr("not trusted"))
      << "nor by the system's authorities";
  own.write(folder_ / "own.pem", {});
  connect({.module_folder = KP_BINARY_DIR, .ca_file = folder_ / "own.pem"});
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::Complete) << "pinned: " << call.ending->reason;

  const Identity stranger = make_identity({.names = "", .authority = true});
  serve(make_identity({.issuer = &stranger}));
  EXPECT_THAT(refused(trusting()), HasSubstr("not trusted"));
}

TEST_F(TlsTest, ACertificateForAnotherNameIsRefusedAndItsNamesTold) {
  serve(issued({.names = "DNS:a.example,DNS:*.b.example,IP:10.0.0.1"}));
  EXPECT_THAT(refused(trusting()), AllOf(HasSubstr("certificate of 127.0.0.1 is for another name"),
                                         HasSubstr("a.example, *.b.example, 10.0.0.1")));
  serve(issued({.names = "IP:127.0.0.1"}));
  EXPECT_THAT(refused(trusting(), "localhost"), HasSubstr("it is for 127.0.0.1"));
  serve(issued({.names = ""}));
  EXPECT_THAT(refused(trusting(), "localhost"), HasSubstr("for nobody"));
}

TEST_F(TlsTest, ACertificateOutOfItsTimeIsRefused) {
  serve(issued({.from_days = -9, .to_days = -2}));
  EXPECT_THAT(refused(trusting()), HasSubstr("certificate of 127.0.0.1 has expired on 20"));
  serve(issued({.from_days = 2, .to_days = 9}));
  EXPECT_THAT(refused(trusting()), HasSubstr("not valid yet"));
}

TEST_F(TlsTest, WhoWantsItTrustsAnybody) {
  serve(make_identity({.names = "DNS:a.example", .from_days = -9, .to_days = -2}));
  connect({.module_folder = KP_BINARY_DIR, .verify = false});
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
}

TEST_F(TlsTest, AClientCertificateIsShownWhereItIsWanted) {
  issued({.names = ""}).write(folder_ / "client.pem", folder_ / "client.key");
  TlsOptions with = trusting();
  with.certificate_file = folder_ / "client.pem";
  with.key_file = folder_ / "client.key";
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    serve(issued(), answer_all, {.most = version, .client_authority = &authority_});
    connect(with);
    Call call;
    EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
    connect(trusting());
    Call without;
    const Ending& ending = ask(without);
    EXPECT_EQ(ending.outcome, Outcome::NotConnected);
    EXPECT_THAT(ending.reason, HasSubstr("--client-certificate"));
  }
  const Identity stranger = make_identity({});
  stranger.write(folder_ / "client.pem", folder_ / "client.key");
  connect(with);
  Call call;
  EXPECT_THAT(ask(call).reason, HasSubstr("may not accept the client certificate"));
}

TEST_F(TlsTest, FilesThatCannotServeAreNamed) {
  const auto why = [&](const TlsOptions& options) {
    const auto opened = open_tls("127.0.0.1", options);
    EXPECT_FALSE(opened);
    return opened ? std::string() : opened.error().message;
  };
  TlsOptions options = trusting();
  options.ca_file = folder_ / "none.pem";
  EXPECT_THAT(why(options), HasSubstr("none.pem"));
  options = trusting();
  options.certificate_file = folder_ / "ca.pem";
  EXPECT_THAT(why(options), HasSubstr("no PEM key"));
  const Identity other = issued();
  other.write(folder_ / "other.pem", folder_ / "other.key");
  options.key_file = folder_ / "other.key";
  EXPECT_THAT(why(options), AllOf(HasSubstr("other.key"), HasSubstr("goes with")));
  options = trusting();
  options.key_file = folder_ / "other.key";
  EXPECT_THAT(why(options), HasSubstr("without a certificate"));
  FILE* file = std::fopen((folder_ / "locked.key").c_str(), "w");
  char passphrase[] = "secret";
  PEM_write_PrivateKey(file, other.key.get(), EVP_aes_128_cbc(),
                       reinterpret_cast<unsigned char*>(passphrase), 6, nullptr, nullptr);
  std::fclose(file);
  options.certificate_file = folder_ / "other.pem";
  options.key_file = folder_ / "locked.key";
  EXPECT_THAT(why(options), HasSubstr("without a passphrase")) << "and nobody is asked for it";
  EXPECT_THAT(why({.module_folder = folder_}), HasSubstr("install the whole kneepoint package"));
}

TEST_F(TlsTest, ARecordMayArriveByteByByte) {
  serve(issued(), [](TlsPeer& peer, int) {
    peer.read_request();
    peer.say_bytewise(kAnswer);
    peer.read_request();
  });
  connect(trusting());
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
  EXPECT_EQ(call.body, "ok");
}

TEST_F(TlsTest, LargeBodiesGoBothWays) {
  std::string large(std::size_t{3} << 20, ' ');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  serve(issued(), [&](TlsPeer& peer, int) {
    while (true) {
      const std::string request = peer.read_request();
      if (request.empty()) return;
      const std::string body = request.substr(request.find("\r\n\r\n") + 4);
      peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
      peer.say(body);
    }
  });
  connect(trusting());
  for (int i = 0; i < 2; ++i) {
    Call call;
    EXPECT_EQ(ask(call, large).outcome, Outcome::Complete) << call.ending->reason;
    EXPECT_TRUE(call.body == large);
    EXPECT_EQ(call.ending->reused, i > 0);
  }
}

TEST_F(TlsTest, ConnectionsAreWarmedAndSessionsTakenUpAgain) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    serve(issued(), answer_all, {.most = version});
    connect(trusting());
    EXPECT_EQ(warm(4).open, 4u);
    EXPECT_EQ(client_->idle_connections(), 4u);
    std::array<Call, 4> calls;
    for (Call& call : calls) EXPECT_EQ(ask(call).outcome, Outcome::Complete);
    EXPECT_EQ(client_->stats().connections, 4u) << "tickets meanwhile do no harm";
    EXPECT_EQ(warm(2).open, 2u);
    EXPECT_EQ(client_->stats().tls_resumed, 2u);
    Call call;
    EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
  }
}

TEST_F(TlsTest, NewKeysInMidConnectionAreFollowed) {
  serve(issued(), [](TlsPeer& peer, int) {
    while (!peer.read_request().empty()) {
      peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
      peer.renew_keys();
      peer.say("k");
    }
  });
  connect(trusting());
  for (int i = 0; i < 3; ++i) {
    Call call;
    EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
    EXPECT_EQ(call.body, "ok");
  }
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(TlsTest, AnAnswerWithoutALengthIsWholeOnlyWhenTlsSaysSo) {
  for (const bool says : {true, false}) {
    serve(issued(), [says](TlsPeer& peer, int) {
      peer.read_request();
      peer.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome");
      if (says) peer.end_tls();
    });
    connect(trusting());
    Call call;
    const Ending& ending = ask(call);
    EXPECT_EQ(ending.outcome, says ? Outcome::Complete : Outcome::Cut);
    EXPECT_EQ(call.body, "some");
    EXPECT_EQ(ending.reason.find("whether the answer was whole") != std::string::npos, !says);
  }
}

TEST_F(TlsTest, AWholeAnswerNeedsNoGoodbye) {
  serve(issued(), [](TlsPeer& peer, int) {
    peer.read_request();
    peer.say(kAnswer);
  });
  connect(trusting());
  for (int i = 0; i < 5; ++i) {
    Call call;
    EXPECT_EQ(ask(call).outcome, Outcome::Complete) << call.ending->reason;
  }
}

TEST_F(TlsTest, ACutStreamIsNoCompleteOne) {
  serve(issued(), [](TlsPeer& peer, int) {
    peer.read_request();
    peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nda");
  });
  connect(trusting());
  Call call;
  EXPECT_EQ(ask(call).outcome, Outcome::Cut);
  EXPECT_EQ(call.body, "da");
}

TEST_F(TlsTest, AStallInTheHandshakeEndsWithPatience) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 8), 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  url_ = Url{.tls = true, .host = "127.0.0.1", .port = ntohs(address.sin_port), .base = ""};
  client_ =
      std::make_unique<Client>(*loop_, resolve(url_, {.tls = trusting(), .proxy = {}}).value(),
                               ClientOptions{.patience = {.connect = 20ms}});
  Call call;
  const Ending& ending = ask(call);
  EXPECT_EQ(ending.outcome, Outcome::TimedOut);
  EXPECT_THAT(ending.reason, HasSubstr("TLS handshake"));

  // And one that speaks, but not TLS.
  std::thread plain([listener] {
    const int peer = accept(listener, nullptr, nullptr);
    const int second = accept(listener, nullptr, nullptr);
    for (const int each : {peer, second}) {
      send(each, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
    }
    char byte = 0;
    while (recv(second, &byte, 1, 0) > 0) {
    }
    close(peer);
    close(second);
  });
  Call other;
  EXPECT_THAT(ask(other).reason, HasSubstr("is it an http:// address?"));
  EXPECT_EQ(other.ending->outcome, Outcome::NotConnected);
  client_.reset();
  plain.join();
  close(listener);
}

// As without TLS: a read batched late still tells when its bytes came.
TEST_F(TlsTest, TheKernelsStampsGoWithWhatWasSealed) {
  loop_ = Loop::open({.read_every = 100ms}).value();
  std::atomic<std::int64_t> said = 0;
  serve(issued(), [&](TlsPeer& peer, int) {
    peer.read_request();
    peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
    std::this_thread::sleep_for(30ms);
    said = Clock::now().time_since_epoch().count();
    peer.say("b");
    peer.read_request();
  });
  connect(trusting());
  Call call;
  ask(call);
  ASSERT_EQ(call.body, "ab");
  if (client_->stats().kernel_stamps == 0) GTEST_SKIP() << "this kernel gives no receive times";
  const Nanos late = call.stamps.back().at.time_since_epoch() - Nanos(said.load());
  EXPECT_GT(late, -1ms);
  EXPECT_LT(late, 50ms);
}

TEST_F(TlsTest, AClientMayGoInTheHandshake) {
  serve(issued());
  connect(trusting());
  Call call;
  client_->send("GET / HTTP/1.1\r\n\r\n", call);
  loop_->run_until([] { return false; }, loop_->now() + 1ms);
  client_.reset();
  EXPECT_FALSE(loop_->run_until([] { return false; }, loop_->now() + 5ms));
  EXPECT_FALSE(call.ending);
}

}  // namespace
}  // namespace kneepoint::http
