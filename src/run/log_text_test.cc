#include "run/log_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"

namespace kneepoint::run {
namespace {

using ::testing::HasSubstr;

std::string line(std::int64_t index, std::string_view kind, const json::Value& value) {
  return to_log_line(index, kind, value).value();
}

/// A header and three points.
std::string small_log() {
  return std::string(kLogStart) + line(0, "header", json::Object{{"model", "m"}}) +
         line(1, "point", json::Object{{"rate", 1.5}}) +
         line(2, "point", json::Object{{"rate", 3}, {"note", "a\nb"}}) +
         line(3, "point", json::Object{{"rate", 12.25}});
}

/// How many of the first records are there and as they were written.
std::size_t same_as_written(const std::vector<Record>& records) {
  static const auto kWhole = parse_log(small_log()).value().records;
  std::size_t same = 0;
  while (same < records.size() && same < kWhole.size() &&
         records[same].index == kWhole[same].index && records[same].kind == kWhole[same].kind &&
         records[same].value == kWhole[same].value) {
    ++same;
  }
  EXPECT_EQ(same, records.size()) << "a record that nobody wrote";
  return same;
}

TEST(RunLog, ReadsWhatWasWritten) {
  const auto log = parse_log(small_log());
  ASSERT_TRUE(log) << log.error().message;
  ASSERT_EQ(log->records.size(), 4u);
  EXPECT_FALSE(log->torn);
  EXPECT_EQ(log->good, small_log().size());
  EXPECT_EQ(log->records[2].kind, "point");
  EXPECT_EQ(log->records[2].value.at("note").as_string(), "a\nb");
}

TEST(RunLog, APersonCanReadIt) {
  const std::string text = line(3, "point", json::Object{{"rate", 12.25}});
  EXPECT_EQ(text.substr(16), " 22 3 point {\"rate\":12.25}\n");
}

TEST(RunLog, CutAnywhereKeepsEveryWholeRecordAndWarnsOfTheRest) {
  const std::string whole = small_log();
  std::vector<std::size_t> ends{kLogStart.size()};
  while (ends.back() < whole.size()) ends.push_back(whole.find('\n', ends.back()) + 1);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto log = parse_log(std::string_view(whole).substr(0, size));
    if (size < kLogStart.size()) {
      ASSERT_FALSE(log) << size;
      EXPECT_THAT(log.error().message, HasSubstr("before it began"));
      continue;
    }
    ASSERT_TRUE(log) << size << ": " << log.error().message;
    std::size_t expected = 0;
    while (ends[expected + 1] <= size) ++expected;
    EXPECT_EQ(same_as_written(log->records), expected) << size;
    EXPECT_EQ(log->torn.has_value(), size != ends[expected]) << size;
    EXPECT_EQ(log->good, ends[expected]) << size;
  }
}

TEST(RunLog, AFlippedBitIsAnErrorOrAtMostTheLastRecord) {
  const std::string whole = small_log();
  const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  int errors = 0, torn = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      const auto log = parse_log(bytes);
      if (!log) {
        ++errors;
        // Past the first line it says which record.
        if (at >= kLogStart.size()) {
          EXPECT_THAT(log.error().message, HasSubstr("record "));
        }
        continue;
      }
      ++torn;
      ASSERT_TRUE(log->torn) << "unnoticed at byte " << at << ", bit " << bit;
      ASSERT_GE(at, last) << "more than the last record was dropped";
      ASSERT_EQ(same_as_written(log->records), 3u);
      EXPECT_THAT(*log->torn, HasSubstr("record 3"));
    }
  }
  EXPECT_GT(errors, 0);
  EXPECT_GT(torn, 0);
}

TEST(RunLog, AMissingLineIsAnError) {
  const std::string text =
      std::string(kLogStart) + line(0, "header", json::Object{}) + line(2, "point", json::Object{});
  const auto log = parse_log(text);
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, HasSubstr("record 1"));
  EXPECT_THAT(log.error().message, HasSubstr("says it is number 2"));
}

TEST(RunLog, ALaterFormatIsRefusedWithItsVersion) {
  const auto log = parse_log("kneepoint-run v2\nwhatever comes\n");
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, ErrorCode::Incompatible);
  EXPECT_THAT(log.error().message, HasSubstr("version 2"));
}

TEST(RunLog, SomethingElseIsNoRun) {
  for (const std::string_view bytes : {"{\"a\":1}\n", "kneepoint-run vX\n", "kneepoint-run v\n"}) {
    const auto log = parse_log(bytes);
    ASSERT_FALSE(log) << bytes;
    EXPECT_EQ(log.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(log.error().message, HasSubstr("not the log of a run"));
  }
}

TEST(RunLog, ARightSumOverNoJsonIsAnErrorThatNamesTheRecord) {
  const std::string rest = "0 header {\"a\":";
  const std::string summed = std::to_string(rest.size()) + " " + rest;
  char sum[17];
  std::snprintf(sum, sizeof sum, "%016lx", static_cast<unsigned long>(hash64(summed)));
  const auto log = parse_log(std::string(kLogStart) + sum + " " + summed + "\n");
  ASSERT_FALSE(log);
  EXPECT_THAT(log.error().message, HasSubstr("record 0 (at byte 17): not JSON"));
}

TEST(RunLog, AKindIsAWord) {
  EXPECT_FALSE(to_log_line(1, "two words", nullptr));
  EXPECT_FALSE(to_log_line(1, "", nullptr));
  EXPECT_FALSE(to_log_line(1, "Point", nullptr));
}

}  // namespace
}  // namespace kneepoint::run
