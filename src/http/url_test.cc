#include "http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::http {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Url, ReadsSchemeHostPortAndBase) {
  const Url plain{.tls = false, .host = "localhost", .port = 8000, .base = ""};
  EXPECT_EQ(parse_url("http://localhost:8000"), plain);
  EXPECT_EQ(parse_url("HTTP://localhost:8000/"), plain);
  const Url based{.tls = true, .host = "a.example", .port = 443, .base = "/llm/v2"};
  EXPECT_EQ(parse_url("https://a.example/llm/v2/"), based);
  EXPECT_EQ(parse_url("https://a.example:443/llm/v2"), based);
  EXPECT_EQ(based.path("/v1/models"), "/llm/v2/v1/models");
  EXPECT_EQ(parse_url("http://10.0.0.1")->port, 80);
}

TEST(Url, ReadsIpv6InBrackets) {
  const auto url = parse_url("http://[::1]:8000/x");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 8000);
  EXPECT_EQ(url->to_text(), "http://[::1]:8000/x");
}

TEST(Url, SaysThePortOnlyWhereItIsUnusual) {
  EXPECT_EQ(parse_url("https://a:443")->authority(), "a");
  EXPECT_EQ(parse_url("https://a:80")->authority(), "a:80");
}

TEST(Url, AnErrorSaysWhatToWrite) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& c : {
           Case{"localhost:8000", "write http://"},
           Case{"ftp://a", "write http://"},
           Case{"", "write http://"},
           Case{"http://", "no host"},
           Case{"http://:80", "no host"},
           Case{"http://a:", "a port is a number"},
           Case{"http://a:0", "a port is a number"},
           Case{"http://a:65536", "a port is a number"},
           Case{"http://a:8o", "a port is a number"},
           Case{"http://::1:80", "in brackets"},
           Case{"http://[::1", "without ']'"},
           Case{"http://[a]", "no IPv6"},
           Case{"http://[::1]80", "after ']'"},
           Case{"http://a/x?y=1", "query"},
           Case{"http://a#b", "query"},
           Case{"http://a b", "blank"},
           Case{"http://a\r\nx: y", "blank"},
           Case{"http://gr\xC3\xBC/x", "no host"},
       }) {
    const auto url = parse_url(c.text);
    ASSERT_FALSE(url) << c.text;
    EXPECT_EQ(url.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(url.error().message, HasSubstr(c.message)) << c.text;
  }
}

TEST(Url, APasswordIsRefusedAndNotRepeated) {
  const auto url = parse_url("https://me:pa55@a.example/x");
  ASSERT_FALSE(url);
  EXPECT_THAT(url.error().message, HasSubstr("user and password"));
  EXPECT_THAT(url.error().message, Not(HasSubstr("pa55")));
}

}  // namespace
}  // namespace kneepoint::http
