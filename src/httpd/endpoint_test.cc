#include "httpd/endpoint.h"

#include <gtest/gtest.h>

namespace kneepoint::httpd {
namespace {

TEST(EndpointText, IsAnAddressAndAPort) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:8080"), (Endpoint{"127.0.0.1", 8080}));
  EXPECT_EQ(parse_endpoint("[::1]:0"), (Endpoint{"::1", 0}));
  EXPECT_EQ(parse_endpoint("localhost:80"), (Endpoint{"127.0.0.1", 80}));
  EXPECT_EQ(parse_endpoint(":443"), (Endpoint{"0.0.0.0", 443}));
  EXPECT_EQ(parse_endpoint("[::1]:9")->to_text(), "[::1]:9");
}

TEST(EndpointText, RefusesWhatCannotBeListenedOn) {
  for (const auto* text : {"", "8080", "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "host:80",
                           "::1:80", "127.0.0.1:http"}) {
    const auto parsed = parse_endpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("127.0.0.1:8080"), std::string::npos) << text;
  }
}

TEST(Loopback, IsTheWholeNetworkAndNothingElse) {
  for (const auto* text : {"127.0.0.1", "127.8.9.1", "::1", "[::1]", "::ffff:127.0.0.1"})
    EXPECT_TRUE(is_loopback(text)) << text;
  for (const auto* text : {"0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "localhost", "", "1"})
    EXPECT_FALSE(is_loopback(text)) << text;
}

TEST(Exposure, NeedsTokensOrCertificatesPastLoopback) {
  EXPECT_TRUE(check_exposure("127.0.0.1", false, false));
  EXPECT_TRUE(check_exposure("0.0.0.0", true, false));
  EXPECT_TRUE(check_exposure("::", false, true));
  const auto refused = check_exposure("0.0.0.0", false, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("--token-file"), std::string::npos);
  EXPECT_NE(refused.error().message.find("--client-ca"), std::string::npos);
}

}  // namespace
}  // namespace kneepoint::httpd
