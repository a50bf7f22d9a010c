#include "app/mirrored_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "run/log_text.h"

namespace kneepoint::app {
namespace {

namespace fs = std::filesystem;

class MirroredRun : public testing::Test {
 protected:
  MirroredRun() : folder_(fs::temp_directory_path() / ("kp-mirror-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
  }
  ~MirroredRun() override { fs::remove_all(folder_); }

  static std::vector<run::Record> records(int points, double figure = 0.1) {
    std::vector<run::Record> out{{0, "header", json::Object{{"schema", "x"}, {"seed", 5}}}};
    for (int i = 0; i < points; ++i)
      out.push_back({i + 1, "point", json::Object{{"index", i}, {"figure", figure * (i + 1)}}});
    return out;
  }
  std::size_t held() const {
    return run::Directory::open(folder_, run::Directory::For::Reading)->records().size();
  }
  fs::path folder_;
};

TEST_F(MirroredRun, IsMadeOnceAndThenMadeUp) {
  ASSERT_TRUE(open_mirror(folder_, records(1)));
  EXPECT_EQ(held(), 1u);
  ASSERT_TRUE(open_mirror(folder_, records(3)));
  EXPECT_EQ(held(), 3u);
  ASSERT_TRUE(open_mirror(folder_, records(0))) << "the other side may know less";
  EXPECT_EQ(held(), 3u);
}

TEST_F(MirroredRun, IsNotMixedWithAnother) {
  ASSERT_TRUE(open_mirror(folder_, records(2)));
  const auto figures = open_mirror(folder_, records(2, 0.7));
  ASSERT_FALSE(figures);
  EXPECT_EQ(figures.error().code, ErrorCode::Conflict);
  EXPECT_THAT(figures.error().message, testing::HasSubstr("record 1"));
  auto other = records(1);
  other.front().value.as_object()["seed"] = 6;
  const auto ask = open_mirror(folder_, other);
  ASSERT_FALSE(ask);
  EXPECT_EQ(ask.error().code, ErrorCode::Conflict);
}

TEST_F(MirroredRun, BeginsAnewWhereAKillLeftNoWholeHeader) {
  for (const char* left : {"", "kneepoint-run v1\n", "kneepoint-run v1\n3f9a0c5d71e2"}) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::ofstream(folder_ / "run.log") << left;
    ASSERT_TRUE(open_mirror(folder_, records(1))) << left;
    EXPECT_EQ(held(), 1u);
  }
}

TEST_F(MirroredRun, TakesRecordsInTheirOrder) {
  const auto all = records(3);
  auto directory = open_mirror(folder_, records(1));
  ASSERT_TRUE(directory);
  EXPECT_FALSE(*take_record(*directory, all[3])) << "record 2 is missing";
  EXPECT_TRUE(*take_record(*directory, all[2]));
  EXPECT_TRUE(*take_record(*directory, all[2])) << "again";
  EXPECT_TRUE(*take_record(*directory, all[3]));
  EXPECT_EQ(directory->records().size(), 3u);
}

TEST_F(MirroredRun, TravelsAsItsLog) {
  const auto all = records(40);
  const auto seed = seed_of(all, 1 << 20);
  ASSERT_TRUE(seed);
  const auto back = read_seed(*seed);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->size(), 41u);
  const auto line = record_line(back->back());
  const auto record = run::parse_log_line(std::string_view(*line).substr(0, line->size() - 1));
  ASSERT_TRUE(record);
  EXPECT_EQ(json::to_line(record->value), json::to_line(all.back().value));

  const auto small = read_seed(*seed_of(all, seed->size() - 1));
  ASSERT_TRUE(small);
  EXPECT_EQ(small->size(), 1u) << "the header alone where all is too much";
  for (std::size_t cut = 0; cut < seed->size(); cut += 7)
    EXPECT_FALSE(read_seed(std::string_view(*seed).substr(0, cut)));
}

TEST_F(MirroredRun, RefusesALineThatWasCut) {
  const std::string line = *record_line(records(1).back());
  EXPECT_TRUE(run::parse_log_line(std::string_view(line).substr(0, line.size() - 1)));
  for (std::size_t cut = 0; cut + 1 < line.size(); ++cut)
    EXPECT_FALSE(run::parse_log_line(std::string_view(line).substr(0, cut)));
}

TEST_F(MirroredRun, KnowsWhereItIsMeasured) {
  CampaignAsk ask;
  ask.target.url = "http://chat.serving.svc:8000";
  ask.target.model = "m";
  ask.points.emplace_back();
  ask.points.back().in_flight = 1;
  ask.points.back().requests = 8;
  ask.points.back().lengths.input.first = 16;
  ask.points.back().lengths.output.first = 8;
  const json::Value header = mirrored_header(ask, {"serving", "sweep-chat", "2026-m"});
  const auto place = place_of(header);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->namespace_name, "serving");
  EXPECT_EQ(place->name, "sweep-chat");
  EXPECT_EQ(place->run, "2026-m");
  const auto back = campaign_from_json(header);
  EXPECT_TRUE(back) << back.error().message;
  EXPECT_FALSE(place_of(to_json(ask)));
}

TEST_F(MirroredRun, TellsHowItEnded) {
  CampaignResult result;
  result.whole = true;
  result.ended = "both neighbours are within 10 %";
  result.setup.model_server = "vllm";
  const auto back = end_from_json(json::to_line(end_json(result, 9)));
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->result.whole);
  EXPECT_FALSE(back->result.valid_end);
  EXPECT_EQ(back->result.ended, result.ended);
  EXPECT_EQ(back->result.setup.model_server, "vllm");
  EXPECT_EQ(back->records, 9u);
  EXPECT_FALSE(end_from_json("{"));
}

}  // namespace
}  // namespace kneepoint::app
