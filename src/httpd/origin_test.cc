#include "httpd/origin.h"

#include <gtest/gtest.h>

namespace kneepoint::httpd {
namespace {

TEST(HostNames, OfThisMachineAndAddressesAreTaken) {
  const OriginRules rules;
  for (const auto* host : {"localhost", "localhost:8080", "LOCALHOST.", "a.localhost:1",
                           "127.0.0.1:8080", "[::1]:8080", "[::1]", "10.1.2.3"})
    EXPECT_TRUE(host_allowed(rules, host)) << host;
}

TEST(HostNames, ThatCanBePointedHereAreNot) {
  const OriginRules rules;
  for (const auto* host : {"evil.example", "evil.example:8080", "localhost.evil.example",
                           "127.0.0.1.evil.example", "", ":80", "evil.example:localhost"})
    EXPECT_FALSE(host_allowed(rules, host)) << host;
}

TEST(HostNames, CanBeAllowed) {
  const OriginRules rules{{"kneepoint.example"}, true};
  EXPECT_TRUE(host_allowed(rules, "Kneepoint.Example:8443"));
  EXPECT_FALSE(host_allowed(rules, "other.example"));
  EXPECT_TRUE(host_allowed({{"*"}, false}, "other.example"));
}

TEST(HostNames, AreAllTakenWhereATokenIsNeededAndNoneIsNamed) {
  EXPECT_TRUE(host_allowed({{}, true}, "kneepoint.team.svc:8080"));
}

TEST(Origins, OfTheSameHostArePassed) {
  EXPECT_EQ(cross_site("localhost:8080", "", ""), "");
  EXPECT_EQ(cross_site("localhost:8080", "http://localhost:8080", "same-origin"), "");
  EXPECT_EQ(cross_site("kp.example", "https://kp.example", ""), "");
  EXPECT_EQ(cross_site("kp.example:443", "https://KP.example", "none"), "");
}

TEST(Origins, OfAnotherSiteAreRefused) {
  EXPECT_NE(cross_site("localhost:8080", "http://evil.example", ""), "");
  EXPECT_NE(cross_site("localhost:8080", "http://localhost:3000", ""), "");
  EXPECT_NE(cross_site("localhost:8080", "null", ""), "");
  EXPECT_NE(cross_site("localhost:8080", "", "cross-site"), "");
  EXPECT_NE(cross_site("localhost:8080", "", "same-site"), "");
  EXPECT_NE(cross_site("localhost:8080", "http://localhost:8080", "cross-site"), "");
}

}  // namespace
}  // namespace kneepoint::httpd
