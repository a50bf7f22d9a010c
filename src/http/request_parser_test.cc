#include "http/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::http {
namespace {

using ::testing::HasSubstr;
using namespace std::string_view_literals;

constexpr std::string_view kPost =
    "POST /v1/completions?x=1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    "Content-Length: 5\r\n\r\nhello";

TEST(RequestParser, ReadsTheSameHoweverTheBytesAreCut) {
  for (std::size_t piece = 1; piece <= kPost.size(); ++piece) {
    RequestParser parser;
    std::string_view left = kPost;
    while (!left.empty()) {
      const auto used = parser.feed(left.substr(0, piece));
      ASSERT_TRUE(used) << used.error().message;
      left.remove_prefix(*used);
    }
    ASSERT_TRUE(parser.done()) << piece;
    EXPECT_EQ(parser.head().method, "POST");
    EXPECT_EQ(parser.head().target, "/v1/completions?x=1");
    EXPECT_EQ(parser.head().path(), "/v1/completions");
    EXPECT_EQ(parser.head().find("content-TYPE"), "application/json");
    EXPECT_TRUE(parser.head().keep_alive);
    EXPECT_EQ(parser.body(), "hello");
    EXPECT_GE(parser.body().capacity(), 5 + RequestParser::kPadding);
  }
}

TEST(RequestParser, LeavesWhatFollowsToTheCaller) {
  RequestParser parser;
  const std::string two = std::string(kPost) + "GET /health HTTP/1.1\r\n\r\n";
  const auto used = parser.feed(two);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, kPost.size());
  parser.start();
  ASSERT_TRUE(parser.feed(std::string_view(two).substr(*used)));
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.head().path(), "/health");
  EXPECT_EQ(parser.body(), "");
}

TEST(RequestParser, GathersAChunkedBody) {
  RequestParser parser;
  ASSERT_TRUE(parser.feed(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"));
  ASSERT_TRUE(parser.done());
  EXPECT_EQ(parser.body(), "hello");
}

TEST(RequestParser, KnowsWhoWaitsForAContinue) {
  RequestParser parser;
  ASSERT_TRUE(parser.feed("POST / HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
  EXPECT_TRUE(parser.head().expects_continue);
}

TEST(RequestParser, KnowsWhoWantsTheConnectionClosed) {
  RequestParser parser;
  ASSERT_TRUE(parser.feed("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(parser.head().keep_alive);
  parser.start();
  ASSERT_TRUE(parser.feed("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(parser.head().keep_alive);
  EXPECT_TRUE(parser.head().is_http_1_0);
}

TEST(RequestParser, RefusesWhatIsTooLong) {
  RequestParser head({.head = 100, .body = 10});
  EXPECT_FALSE(head.feed("GET /" + std::string(200, 'a')));
  EXPECT_EQ(head.refusal_status(), 431);

  RequestParser body({.head = 100, .body = 10});
  const auto refused = body.feed("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(body.refusal_status(), 413);
  EXPECT_THAT(refused.error().message, HasSubstr("more than 10 bytes"));

  RequestParser chunked({.head = 100, .body = 10});
  EXPECT_FALSE(
      chunked.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello hello\r\n"));
  EXPECT_EQ(chunked.refusal_status(), 413);
}

TEST(RequestParser, RefusesWhatIsNoHttp) {
  for (const std::string_view text :
       {"\x16\x03\x01\x02\x00 hello\r\n\r\n"sv, "GET\r\n\r\n"sv, "GET / HTTP/9.9\r\n\r\n"sv}) {
    RequestParser parser;
    EXPECT_FALSE(parser.feed(text)) << text;
    EXPECT_EQ(parser.refusal_status(), 400) << text;
  }
}

}  // namespace
}  // namespace kneepoint::http
