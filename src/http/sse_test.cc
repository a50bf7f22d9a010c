#include "http/sse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace kneepoint::http {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Seen {
  std::vector<std::pair<std::string, std::string>> events;  // type, data
  bool failed = false;
  bool inside = false;

  friend bool operator==(const Seen&, const Seen&) = default;
};

/// Feeds copies that are gone afterwards, so that a view kept too long shows under a sanitizer.
Seen read_cut(std::string_view text, const std::vector<std::size_t>& cuts, SseLimits limits = {}) {
  Seen seen;
  SseDecoder decoder(limits);
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size() && !seen.failed; ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : text.size();
    const std::vector<char> piece(text.begin() + static_cast<std::ptrdiff_t>(from),
                                  text.begin() + static_cast<std::ptrdiff_t>(to));
    decoder.feed(std::string_view(piece.data(), piece.size()));
    from = to;
    while (true) {
      const auto event = decoder.next();
      if (!event) seen.failed = true;
      if (!event || !*event) break;
      seen.events.emplace_back((*event)->type, (*event)->data);
    }
  }
  seen.inside = !seen.failed && decoder.inside_event();
  return seen;
}

std::vector<std::string> data_of(std::string_view text) {
  std::vector<std::string> out;
  for (auto& [type, data] : read_cut(text, {}).events) out.push_back(data);
  return out;
}

// What servers were seen to send, and what the standard allows them to.
const std::vector<std::string> kStreams = {
    "data: {\"text\":\" a\"}\n\ndata: {\"text\":\" b\"}\n\ndata: [DONE]\n\n",
    "data: one\r\n\r\ndata: two\r\n\r\n",
    "data: one\r\rdata: two\r\r",
    "data: one\n\r\ndata: two\r\n\n",
    "data: one\r\n\rdata: two\r\n\r\n",
    ": ping\n\ndata: x\n\n: ping\n: ping\n\ndata: y\n\n",
    "data: first\ndata: second\ndata:\ndata: fourth\n\n",
    "event: error\ndata: {\"error\":{\"code\":503}}\n\ndata: [DONE]\n\n",
    "event: nothing\n\ndata: plain\n\n",
    "id: 7\nretry: 10\ndata: x\nunknown: y\nlonely\n\n",
    "data\n\ndata:\n\n",
    "data:no blank\n\ndata:  two blanks\n\n",
    "\xEF\xBB\xBF"
    "data: after a mark\n\n",
    "data: {\"text\":\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x99\x82\"}\n\n",
    "data: [DONE]\n\n\n",
    "data: whole\n\ndata: cut here",
    "data: whole\n\ndata: cut before the blank line\n",
    "data: whole\n\nevent: x",
    "",
    "\n\n\n",
};

TEST(Sse, EventsEndAtABlankLine) {
  EXPECT_THAT(data_of(kStreams[0]),
              ElementsAre("{\"text\":\" a\"}", "{\"text\":\" b\"}", "[DONE]"));
}

TEST(Sse, LinesEndInLfCrlfOrCr) {
  for (std::size_t i = 1; i <= 4; ++i) {
    EXPECT_THAT(data_of(kStreams[i]), ElementsAre("one", "two")) << i;
  }
}

TEST(Sse, CommentsAreNoEvents) { EXPECT_THAT(data_of(kStreams[5]), ElementsAre("x", "y")); }

TEST(Sse, DataLinesAreJoined) {
  EXPECT_THAT(data_of(kStreams[6]), ElementsAre("first\nsecond\n\nfourth"));
}

TEST(Sse, AnEventHasTheTypeOfItsOwnLines) {
  const auto seen = read_cut(kStreams[7], {});
  ASSERT_EQ(seen.events.size(), 2u);
  EXPECT_EQ(seen.events[0].first, "error");
  EXPECT_EQ(seen.events[1].first, "");
  EXPECT_EQ(read_cut(kStreams[8], {}).events,
            (std::vector<std::pair<std::string, std::string>>{{"", "plain"}}));
}

TEST(Sse, OtherFieldsAreSkipped) { EXPECT_THAT(data_of(kStreams[9]), ElementsAre("x")); }

TEST(Sse, EmptyDataIsAnEvent) { EXPECT_THAT(data_of(kStreams[10]), ElementsAre("", "")); }

TEST(Sse, OneBlankAfterTheColonIsNoData) {
  EXPECT_THAT(data_of(kStreams[11]), ElementsAre("no blank", " two blanks"));
}

TEST(Sse, AByteOrderMarkIsSkippedAtTheStartOnly) {
  EXPECT_THAT(data_of(kStreams[12]), ElementsAre("after a mark"));
  EXPECT_THAT(data_of("data: x\n\n" + kStreams[12]), ElementsAre("x"));
}

TEST(Sse, SaysThatAStreamWasCut) {
  for (std::size_t i = 0; i < kStreams.size(); ++i) {
    EXPECT_EQ(read_cut(kStreams[i], {}).inside, i >= 15 && i <= 17) << kStreams[i];
  }
}

TEST(Sse, AWholeEventOfOneLineIsNotCopied) {
  const std::string text = kStreams[0];
  SseDecoder decoder;
  decoder.feed(text);
  for (auto event = decoder.next(); event && *event; event = decoder.next()) {
    EXPECT_GE((*event)->data.data(), text.data());
    EXPECT_LT((*event)->data.data(), text.data() + text.size());
  }
}

TEST(Sse, ACutAtAnyByteGivesTheSameEvents) {
  for (const std::string& text : kStreams) {
    const Seen whole = read_cut(text, {});
    for (std::size_t a = 0; a <= text.size(); ++a) {
      EXPECT_EQ(read_cut(text, {a}), whole) << text << " cut at " << a;
      for (std::size_t b = a; b <= text.size(); ++b) {
        ASSERT_EQ(read_cut(text, {a, b}), whole) << text << " cut at " << a << " and " << b;
      }
    }
  }
}

TEST(Sse, AnyCutsOfAnyLinesGiveTheSameEvents) {
  std::mt19937 random(7);
  const std::vector<std::string> pieces = {"data: ", "data", ":", "\n", "\r",       "\r\n",
                                           "event:", "\n\n", " ", "x",  "{\"a\":1}"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto n = random() % 24; n > 0; --n) text += pieces[random() % pieces.size()];
    std::vector<std::size_t> cuts;
    for (auto n = random() % 8; n > 0; --n) cuts.push_back(random() % (text.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    const SseLimits limits{.line = 1 + random() % 20, .event = 1 + random() % 20};
    ASSERT_EQ(read_cut(text, cuts, limits), read_cut(text, {}, limits)) << text;
  }
}

TEST(Sse, ALineHasALongestLength) {
  const SseLimits limits{.line = 8, .event = 100};
  EXPECT_EQ(read_cut("data: xy\n\n", {}, limits).events.size(), 1u);
  for (const auto* text : {"data: xyz\n\n", "data: xyz", ": 1234567"}) {
    SseDecoder decoder(limits);
    decoder.feed(text);
    const auto event = decoder.next();
    ASSERT_FALSE(event) << text;
    EXPECT_EQ(event.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(event.error().message, HasSubstr("longer than 8 bytes"));
    decoder.feed("\n\ndata: x\n\n");
    EXPECT_FALSE(decoder.next()) << "an error is final";
  }
}

TEST(Sse, AnEventHasALargestSize) {
  const SseLimits limits{.line = 100, .event = 5};
  EXPECT_THAT(read_cut("data: ab\ndata: cd\n\n", {}, limits).events.size(), 1u);
  const auto seen = read_cut("data: ok\n\ndata: ab\ndata: cde\n\n", {}, limits);
  EXPECT_TRUE(seen.failed);
  EXPECT_EQ(seen.events.size(), 1u);
}

TEST(Sse, ResetForgetsTheStreamBefore) {
  SseDecoder decoder;
  decoder.feed("event: x\ndata: a\ndata: b");
  ASSERT_TRUE(decoder.next());
  EXPECT_TRUE(decoder.inside_event());
  decoder.reset();
  EXPECT_FALSE(decoder.inside_event());
  decoder.feed("data: fresh\n\n");
  const auto event = decoder.next();
  ASSERT_TRUE(event && *event);
  EXPECT_EQ((*event)->data, "fresh");
  EXPECT_EQ((*event)->type, "");
}

}  // namespace
}  // namespace kneepoint::http
