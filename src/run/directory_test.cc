#include "run/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"

namespace kneepoint::run {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RunDirectory : public ::testing::Test {
 protected:
  RunDirectory() {
    std::string name = fs::temp_directory_path() / "kp_run_test.XXXXXX";
    base_ = ::mkdtemp(name.data());
  }
  ~RunDirectory() override { fs::remove_all(base_); }

  fs::path folder() const { return base_ / "run"; }
  fs::path log() const { return folder() / "run.log"; }
  Directory made() const { return Directory::create(folder(), json::Object{{"seed", 7}}).value(); }
  static json::Object point(int rate) { return {{"rate", rate}}; }
  void add_to_log(std::string_view bytes) const {
    std::ofstream(log(), std::ios::app | std::ios::binary) << bytes;
  }

  fs::path base_;
};

metrics::Timeline request(int number) {
  metrics::Timeline out;
  out.due = std::chrono::milliseconds(10 * number);
  out.sent = out.due + Nanos(81'000);
  out.first_byte = out.due + std::chrono::milliseconds(20);
  out.usage = metrics::Usage{Tokens(128), Tokens(32), Tokens(0)};
  for (int i = 0; i < 32; ++i) {
    out.events.emplace_back(std::chrono::microseconds(20'000 + 7'013 * i + number), 1);
  }
  out.end = out.due + out.events.back().after_due() + Nanos(500);
  return out;
}

std::vector<metrics::Timeline> requests(int count, int from = 0) {
  std::vector<metrics::Timeline> out;
  for (int i = 0; i < count; ++i) out.push_back(request(from + i));
  return out;
}

void expect_same(const metrics::Timeline& a, const metrics::Timeline& b) {
  EXPECT_EQ(a.due, b.due);
  EXPECT_EQ(a.sent, b.sent);
  EXPECT_EQ(a.first_byte, b.first_byte);
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.streamed, b.streamed);
  EXPECT_EQ(a.usage, b.usage);
  EXPECT_EQ(a.events, b.events);
}

std::vector<metrics::Timeline> all_of(const Directory& directory, std::int64_t point) {
  std::vector<metrics::Timeline> out;
  auto reader = directory.timelines(point);
  EXPECT_TRUE(reader) << reader.error().message;
  while (reader) {
    auto block = reader->next();
    EXPECT_TRUE(block) << block.error().message;
    if (!block || !*block) break;
    out.insert(out.end(), (*block)->begin(), (*block)->end());
  }
  return out;
}

TEST_F(RunDirectory, GoesOnWhereItStopped) {
  {
    Directory run = made();
    EXPECT_EQ(run.append("point", point(1)).value(), 1);
    EXPECT_EQ(run.append("point", point(2)).value(), 2);
  }
  {
    Directory run = Directory::open(folder(), Directory::For::Appending).value();
    EXPECT_THAT(run.warnings(), IsEmpty());
    EXPECT_EQ(run.header().at("seed").as_int64(), 7);
    ASSERT_THAT(run.records(), SizeIs(2));
    EXPECT_EQ(run.append("verdict", point(3)).value(), 3);
    EXPECT_THAT(run.records(), SizeIs(3));
  }
  const Directory run = Directory::open(folder(), Directory::For::Reading).value();
  ASSERT_THAT(run.records(), SizeIs(3));
  EXPECT_EQ(run.records()[1].value.at("rate").as_int64(), 2);
  EXPECT_EQ(run.records()[2].kind, "verdict");
}

TEST_F(RunDirectory, AnUnfinishedRecordIsCutOffAndTold) {
  {
    EXPECT_TRUE(made().append("point", point(1)));
  }
  const std::string before = read_file(log()).value();
  add_to_log("0123456789abcdef 40 2 point {\"ra");
  {
    const Directory run = Directory::open(folder(), Directory::For::Reading).value();
    EXPECT_THAT(run.warnings(), ElementsAre(HasSubstr("record 2 was not finished")));
    EXPECT_THAT(run.records(), SizeIs(1));
  }
  EXPECT_GT(read_file(log()).value().size(), before.size()) << "a reader changes nothing";
  {
    Directory run = Directory::open(folder(), Directory::For::Appending).value();
    EXPECT_THAT(run.warnings(), SizeIs(1));
    EXPECT_EQ(read_file(log()).value(), before);
    EXPECT_EQ(run.append("point", point(2)).value(), 2);
  }
  const Directory run = Directory::open(folder(), Directory::For::Reading).value();
  EXPECT_THAT(run.warnings(), IsEmpty());
  EXPECT_THAT(run.records(), SizeIs(2));
}

TEST_F(RunDirectory, IsWrittenByOneAtATimeAndReadByAny) {
  Directory run = made();
  const auto second = Directory::open(folder(), Directory::For::Appending);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_THAT(second.error().message, HasSubstr("another process"));
  EXPECT_TRUE(Directory::open(folder(), Directory::For::Reading));
  {
    const Directory gone = std::move(run);
  }
  EXPECT_TRUE(Directory::open(folder(), Directory::For::Appending));
}

TEST_F(RunDirectory, AReaderDoesNotAdd) {
  {
    made();
  }
  Directory run = Directory::open(folder(), Directory::For::Reading).value();
  EXPECT_FALSE(run.append("point", point(1)));
  EXPECT_FALSE(run.write_timelines(0));
}

TEST_F(RunDirectory, IsMadeOnlyWhereNothingIs) {
  {
    made();
  }
  const auto again = Directory::create(folder(), json::Object{});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::Conflict);
  EXPECT_THAT(again.error().message, HasSubstr("bench resume"));

  fs::create_directory(base_ / "other");
  ASSERT_TRUE(write_file(base_ / "other/file", "x"));
  EXPECT_THAT(Directory::create(base_ / "other", json::Object{}).error().message,
              HasSubstr("not empty"));
  EXPECT_THAT(Directory::create(base_ / "other/file", json::Object{}).error().message,
              HasSubstr("no folder"));

  fs::create_directory(base_ / "empty");
  EXPECT_TRUE(Directory::create(base_ / "empty", json::Object{}));
  EXPECT_TRUE(Directory::create(base_ / "a/b/c", json::Object{}));
}

TEST_F(RunDirectory, KeepsNoCredentials) {
  const auto refused = Directory::create(folder(), json::Object{{"api_key", "hunter2"}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("api_key"));
  EXPECT_FALSE(fs::exists(folder()));
}

TEST_F(RunDirectory, WhatIsNoRunIsSaid) {
  const auto nothing = Directory::open(base_, Directory::For::Reading);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::NotFound);
  fs::create_directory(folder());
  ASSERT_TRUE(write_file(log(), kLogStart));
  EXPECT_THAT(Directory::open(folder(), Directory::For::Appending).error().message,
              HasSubstr("before it began"));
}

TEST_F(RunDirectory, KeepsTimelinesByPoint) {
  Directory run = made();
  for (int p = 0; p < 3; ++p) {
    TimelineWriter writer = run.write_timelines(p).value();
    ASSERT_TRUE(writer.add(requests(100, p * 1000)));
    ASSERT_TRUE(writer.add(requests(20, p * 1000 + 100)));
    ASSERT_TRUE(writer.finish());
    ASSERT_TRUE(run.append("point", point(p)));
  }
  const Directory read = Directory::open(folder(), Directory::For::Reading).value();
  const auto found = all_of(read, 1);
  ASSERT_EQ(found.size(), 120u);
  for (int i = 0; i < 120; ++i) expect_same(found[static_cast<std::size_t>(i)], request(1000 + i));
  EXPECT_EQ(read.timelines(7).error().code, ErrorCode::NotFound);
}

TEST_F(RunDirectory, TimelinesOfAStoppedPointLeaveNothing) {
  Directory run = made();
  {
    TimelineWriter writer = run.write_timelines(0).value();
    ASSERT_TRUE(writer.add(requests(50)));
    ASSERT_TRUE(writer.finish());
  }
  const auto size = fs::file_size(folder() / "timelines.gz");
  std::ofstream(folder() / "timelines.gz", std::ios::app) << "half a member";
  {
    TimelineWriter writer = run.write_timelines(1).value();
    EXPECT_EQ(fs::file_size(folder() / "timelines.gz"), size);
    ASSERT_TRUE(writer.add(requests(5, 500)));
    ASSERT_TRUE(writer.finish());
  }
  EXPECT_EQ(all_of(run, 0).size(), 50u);
  EXPECT_EQ(all_of(run, 1).size(), 5u);
}

TEST_F(RunDirectory, OfAPointThatWasRunTwiceTheLastCounts) {
  Directory run = made();
  for (const int count : {3, 8}) {
    TimelineWriter writer = run.write_timelines(0).value();
    ASSERT_TRUE(writer.add(requests(count)));
    ASSERT_TRUE(writer.finish());
  }
  EXPECT_EQ(all_of(run, 0).size(), 8u);
}

TEST_F(RunDirectory, LostTimelinesAreToldAndLosePointsNot) {
  {
    Directory run = made();
    TimelineWriter writer = run.write_timelines(0).value();
    ASSERT_TRUE(writer.add(requests(50)));
    ASSERT_TRUE(writer.finish());
    ASSERT_TRUE(run.append("point", point(1)));
  }
  fs::resize_file(folder() / "timelines.gz", 10);
  Directory run = Directory::open(folder(), Directory::For::Appending).value();
  EXPECT_THAT(run.warnings(), ElementsAre(HasSubstr("timelines.gz")));
  EXPECT_THAT(run.records(), SizeIs(2));
  EXPECT_FALSE(run.timelines(0));
  EXPECT_FALSE(run.write_timelines(1));
}

TEST_F(RunDirectory, DamagedTimelinesAreAnErrorWithTheirPlace) {
  Directory run = made();
  {
    TimelineWriter writer = run.write_timelines(0).value();
    ASSERT_TRUE(writer.add(requests(50)));
    ASSERT_TRUE(writer.finish());
  }
  std::string bytes = read_file(folder() / "timelines.gz").value();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
  ASSERT_TRUE(write_file(folder() / "timelines.gz", bytes));
  auto reader = run.timelines(0).value();
  const auto block = reader.next();
  ASSERT_FALSE(block);
  EXPECT_THAT(block.error().message, HasSubstr("timelines.gz at byte 0"));
}

}  // namespace
}  // namespace kneepoint::run
