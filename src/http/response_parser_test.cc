#include "http/response_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kneepoint::http {
namespace {

using ::testing::HasSubstr;

struct Gathered final : ResponseReader {
  void on_head(const ResponseHead& given) override {
    head = given;
    ++heads;
  }
  void on_body(std::string_view bytes) override { body += bytes; }

  ResponseHead head;
  int heads = 0;
  std::string body;
};

struct Read {
  std::string body;
  int status = 0;
  int heads = 0;
  bool keep_alive = false;
  bool done = false;
  std::size_t used = 0;
  bool failed = false;

  friend bool operator==(const Read&, const Read&) = default;
};

Read read_cut(std::string_view text, const std::vector<std::size_t>& cuts, bool head = false) {
  ResponseParser parser;
  parser.start(head);
  Gathered gathered;
  Read read;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : text.size();
    const std::string piece(text.substr(from, to - from));
    from = to;
    const auto used = parser.feed(piece, gathered);
    if (!used) {
      read.failed = true;
      break;
    }
    EXPECT_LE(*used, piece.size());
    read.used += *used;
  }
  read.body = gathered.body;
  read.status = gathered.head.status;
  read.heads = gathered.heads;
  read.keep_alive = gathered.head.keep_alive;
  read.done = parser.done();
  return read;
}

const std::string kChunked =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    "transfer-encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n0009;x=y\r\ndata: b\n\n\r\n"
    "0\r\nx-later: 1\r\n\r\n";
const std::string kSized =
    "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwords";
const std::string kInterim =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + kSized;

TEST(ResponseParser, ReadsALengthOfBytes) {
  const Read read = read_cut(kSized, {});
  EXPECT_EQ(read.status, 404);
  EXPECT_EQ(read.body, "words");
  EXPECT_TRUE(read.done);
  EXPECT_FALSE(read.keep_alive);
}

TEST(ResponseParser, ReadsChunks) {
  const Read read = read_cut(kChunked, {});
  EXPECT_EQ(read.body, "data: a\n\ndata: b\n\n");
  EXPECT_TRUE(read.done);
  EXPECT_TRUE(read.keep_alive);
  EXPECT_EQ(read.used, kChunked.size());
}

TEST(ResponseParser, SkipsInterimResponses) {
  const Read read = read_cut(kInterim, {});
  EXPECT_EQ(read.heads, 1);
  EXPECT_EQ(read.status, 404);
  EXPECT_EQ(read.body, "words");
  EXPECT_FALSE(read_cut("HTTP/1.1 100 Continue\r\n\r\n", {}).done);
}

TEST(ResponseParser, ACutAtAnyByteReadsTheSame) {
  for (const std::string& text : {kChunked, kSized, kInterim}) {
    const Read whole = read_cut(text, {});
    ASSERT_TRUE(whole.done);
    std::vector<std::size_t> everywhere;
    for (std::size_t a = 0; a <= text.size(); ++a) {
      everywhere.push_back(a);
      for (std::size_t b = a; b <= text.size(); b += 7) {
        ASSERT_EQ(read_cut(text, {a, b}), whole) << "cut at " << a << " and " << b;
      }
    }
    EXPECT_EQ(read_cut(text, everywhere), whole) << "byte by byte";
  }
}

TEST(ResponseParser, LeavesWhatComesAfter) {
  for (const std::string& text : {kChunked, kSized, kInterim}) {
    for (std::size_t a = 0; a <= text.size(); ++a) {
      ASSERT_EQ(read_cut(text + "HTTP/1.1 200 OK\r\n", {a}).used, text.size()) << a;
    }
  }
}

TEST(ResponseParser, FindsFieldsWhateverTheirCase) {
  ResponseParser parser;
  Gathered gathered;
  ASSERT_TRUE(parser.feed(kChunked, gathered));
  EXPECT_EQ(gathered.head.find("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_FALSE(gathered.head.find("x-later"));
  EXPECT_TRUE(gathered.head.is_event_stream());
  EXPECT_TRUE(gathered.head.chunked);
  EXPECT_EQ(gathered.head.reason, "OK");
}

TEST(ResponseParser, ABodyWithoutALengthLastsUntilTheEnd) {
  ResponseParser parser;
  Gathered gathered;
  ASSERT_TRUE(parser.feed("HTTP/1.1 200 OK\r\n\r\nsome", gathered));
  ASSERT_TRUE(parser.feed(" more", gathered));
  EXPECT_FALSE(parser.done());
  EXPECT_FALSE(gathered.head.keep_alive);
  EXPECT_TRUE(parser.closed());
  EXPECT_EQ(gathered.body, "some more");
}

TEST(ResponseParser, SaysWhereAResponseWasCut) {
  for (const std::string& text : {kChunked, kSized}) {
    for (std::size_t a = 0; a < text.size(); ++a) {
      ResponseParser parser;
      Gathered gathered;
      ASSERT_TRUE(parser.feed(text.substr(0, a), gathered));
      EXPECT_FALSE(parser.done());
      const auto closed = parser.closed();
      ASSERT_FALSE(closed) << a;
      EXPECT_THAT(closed.error().message, HasSubstr(a == 0                ? "before any answer"
                                                    : gathered.heads == 0 ? "inside the head"
                                                                          : "inside the answer"));
    }
  }
}

TEST(ResponseParser, SomeResponsesHaveNoBody) {
  EXPECT_TRUE(read_cut("HTTP/1.1 204 No Content\r\n\r\n", {}).done);
  EXPECT_TRUE(read_cut("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {}).done);
  EXPECT_TRUE(read_cut("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", {}, true).done);
}

TEST(ResponseParser, OlderServersCloseUnlessTheySayOtherwise) {
  EXPECT_FALSE(read_cut("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", {}).keep_alive);
  EXPECT_TRUE(read_cut("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", {})
                  .keep_alive);
}

TEST(ResponseParser, RefusesWhatIsNoResponse) {
  for (const auto* text : {
           "SSH-2.0-OpenSSH\r\n\r\n",
           "HTTP/1.1 abc OK\r\n\r\n",
           "HTTP/2 200 OK\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
           "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
           "HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
       }) {
    EXPECT_TRUE(read_cut(text, {}).failed) << text;
  }
}

TEST(ResponseParser, WhatIsNoResponseIsRefusedAtItsFirstByteAndAlikeHoweverItIsCut) {
  EXPECT_TRUE(read_cut("S", {}).failed) << "without waiting for more";
  for (const std::string text :
       {"HT\xa0P/1.1 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n"}) {
    const bool failed = read_cut(text, {}).failed;
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      EXPECT_EQ(read_cut(text, {cut}).failed, failed) << text << " cut at " << cut;
    }
  }
}

TEST(ResponseParser, AHeadHasALargestSize) {
  EXPECT_TRUE(read_cut("HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'y'), {}).failed);
  EXPECT_TRUE(
      read_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(70'000, 'y'),
               {})
          .failed);
  EXPECT_TRUE(
      read_cut(
          "HTTP/1.1 200 OK\r\nx: " + std::string(60'000, 'y') + "\r\ncontent-length: 0\r\n\r\n", {})
          .done);
}

TEST(ResponseParser, OneAfterAnother) {
  ResponseParser parser;
  for (int i = 0; i < 3; ++i) {
    Gathered gathered;
    parser.start();
    EXPECT_FALSE(parser.started());
    EXPECT_EQ(parser.feed(kChunked, gathered), kChunked.size());
    EXPECT_TRUE(parser.done());
    EXPECT_EQ(gathered.body.size(), 18u);
  }
}

}  // namespace
}  // namespace kneepoint::http
