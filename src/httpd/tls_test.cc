#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "httpd/answer.h"
#include "httpd/server.h"
#include "httpd/testing/tls_client.h"

namespace kneepoint::httpd {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Identity;
using testing::make_identity;
using testing::RawClient;
using testing::TlsClient;

constexpr std::string_view kWho =
    "GET /v1/who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

class ATlsServer : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    authority_.write(at("ca.pem"), at("ca.key"));
    make_identity("first", &authority_).write(at("tls.crt"), at("tls.key"));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string at(const std::string& name) const { return folder_ + "/" + name; }

  std::unique_ptr<Server> serve(bool client_certificates = false) {
    Options options;
    options.threads = 1;
    options.timeouts.round = 10ms;
    options.timeouts.files = 10ms;
    options.timeouts.header = 500ms;
    options.tls = {at("tls.crt"), at("tls.key"), client_certificates ? at("ca.pem") : ""};
    options.log = [this](std::string_view line) {
      const std::scoped_lock lock(mutex_);
      log_.append(line).append("\n");
    };
    Route route;
    route.method = "GET";
    route.path = "/v1/who";
    route.handle = [](const Request& request, const std::shared_ptr<Reply>& reply) {
      reply->answer(text_answer(
          200, "caller=" + request.caller + " " + std::string(name(request.right)) + "\n"));
    };
    auto server = Server::start(options, {route});
    if (!server) throw std::runtime_error(server.error().message);
    return std::move(*server);
  }
  bool logged(std::string_view text) {
    for (int i = 0; i < 500; ++i, std::this_thread::sleep_for(10ms)) {
      const std::scoped_lock lock(mutex_);
      if (log_.find(text) != std::string::npos) return true;
    }
    return false;
  }

  const std::string folder_ = ::testing::TempDir() + "kneepoint-tls-" + std::to_string(::getpid());
  const Identity authority_ = make_identity("the authority");
  std::mutex mutex_;
  std::string log_;
};

TEST_F(ATlsServer, AnswersOverTls) {
  const auto server = serve();
  TlsClient client(server->port());
  ASSERT_TRUE(client.shaken());
  const auto said = client.ask(kWho);
  EXPECT_THAT(said, HasSubstr("200 OK"));
  EXPECT_THAT(said, HasSubstr("Strict-Transport-Security"));
  EXPECT_THAT(server->url(), HasSubstr("https://"));
}

TEST_F(ATlsServer, TakesNoVersionBefore12) {
  const auto server = serve();
  EXPECT_FALSE(TlsClient(server->port(), nullptr, TLS1_1_VERSION).shaken());
  EXPECT_TRUE(TlsClient(server->port(), nullptr, TLS1_2_VERSION).shaken());
}

TEST_F(ATlsServer, ShowsANewCertificateWithoutARestart) {
  const auto server = serve();
  TlsClient before(server->port());
  EXPECT_EQ(before.server(), "first");
  make_identity("second", &authority_).write(at("tls.crt"), at("tls.key"));
  ASSERT_TRUE(logged("the certificates changed"));
  EXPECT_EQ(TlsClient(server->port()).server(), "second");
  EXPECT_THAT(before.ask(kWho), HasSubstr("200 OK")) << "open connections stay";
}

TEST_F(ATlsServer, KeepsTheOldCertificateWhereTheNewOneIsBroken) {
  const auto server = serve();
  std::ofstream(at("tls.crt"), std::ios::trunc) << "no certificate\n";
  ASSERT_TRUE(logged("stay as they were"));
  EXPECT_EQ(TlsClient(server->port()).server(), "first");
}

TEST_F(ATlsServer, RefusesAKeyOfAnotherCertificate) {
  make_identity("other", &authority_).write(at("other.crt"), at("tls.key"));
  Options options;
  options.tls = {at("tls.crt"), at("tls.key"), ""};
  const auto server = Server::start(options, {});
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("tls.key"));
}

TEST_F(ATlsServer, AsksForCertificatesOfItsClients) {
  const auto server = serve(true);
  const auto known = make_identity("team-a", &authority_);
  EXPECT_THAT(TlsClient(server->port(), &known).ask(kWho), HasSubstr("caller=team-a deploy"));
  const auto stranger = make_identity("stranger");
  EXPECT_EQ(TlsClient(server->port(), &stranger).ask(kWho), "");
  EXPECT_EQ(TlsClient(server->port()).ask(kWho), "");
}

TEST_F(ATlsServer, GivesUpOnAHandshakeThatNeverComes) {
  const auto server = serve();
  RawClient silent(server->port());
  EXPECT_EQ(silent.rest(), "");
  EXPECT_TRUE(silent.over());
}

}  // namespace
}  // namespace kneepoint::httpd
