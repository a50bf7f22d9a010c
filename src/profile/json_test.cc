#include "profile/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profile/from_catalog.h"

namespace kneepoint::profile {
namespace {

using testing::HasSubstr;

const catalog::Catalog& shipped() {
  static const auto catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  return catalog;
}

TEST(ProfileJson, EveryShippedProfileSurvivesTheRoundTripByteForByte) {
  auto reader = CatalogProfiles::open(shipped(), 0).value();
  std::size_t profiles = 0;
  std::size_t points = 0;
  for (;;) {
    const auto profile = reader.next().value();
    if (!profile) break;
    ++profiles;
    points += profile->points.size();
    const std::string text = json::to_line(to_json(*profile));
    const auto back = from_json(json::parse(text).value());
    ASSERT_TRUE(back) << profile->id << ": " << back.error().message;
    ASSERT_EQ(json::to_line(to_json(*back)), text);
  }
  EXPECT_EQ(profiles, shipped().raw(0, "profiles")->rows());
  EXPECT_EQ(points, shipped().raw(0, "points")->rows());
}

TEST(CatalogProfiles, NameWhatTheyDerive) {
  auto reader = CatalogProfiles::open(shipped(), 0).value();
  bool derived = false;
  while (auto profile = reader.next().value()) {
    for (const Point& point : profile->points) {
      if (point.derived.find("by kneepoint") != std::string::npos) derived = true;
    }
  }
  EXPECT_TRUE(derived);
}

json::Value example() {
  auto reader = CatalogProfiles::open(shipped(), 0).value();
  return to_json(**reader.next());
}

TEST(ProfileJson, KeepsWhatTheServerSaid) {
  auto reader = CatalogProfiles::open(shipped(), 0).value();
  Profile profile = **reader.next();
  profile.points[0].server = {.running_mean = 7.5, .waiting_max = 31, .kv_use_max = 0.98};
  const auto back = from_json(to_json(profile));
  ASSERT_TRUE(back) << back.error().message;
  const ServerLoad& server = back->points[0].server;
  EXPECT_EQ(server.running_mean, 7.5);
  EXPECT_EQ(server.waiting_max, 31);
  EXPECT_EQ(server.kv_use_max, 0.98);
  EXPECT_FALSE(server.preemptions);

  json::Value misspelt = to_json(profile);
  misspelt.as_object()["points"].as_array()[0].as_object()["server"].as_object()["kv"] = 1;
  EXPECT_THAT(from_json(misspelt).error().message, HasSubstr("points[0].server.kv"));
}

TEST(ProfileJson, ErrorsNameTheMember) {
  const struct {
    std::function<void(json::Object&)> damage;
    const char* says;
  } cases[] = {
      {[](json::Object& o) { o["setup"].as_object().erase("model"); }, "setup.model: is missing"},
      {[](json::Object& o) { o["setup"].as_object()["colour"] = "red"; },
       "setup.colour: unknown member"},
      {[](json::Object& o) { o["points"].as_array()[0].as_object()["load"] = -1; },
       "points[0].load"},
      {[](json::Object& o) { o["points"].as_array()[0].as_object()["load"] = "4"; },
       "points[0].load: must be a finite number"},
      {[](json::Object& o) { o["points"] = json::Array{}; }, "points: must be a list"},
      {[](json::Object& o) { o.erase("evidence"); }, "evidence: is missing"},
      {[](json::Object& o) { o["load_kind"] = "sideways"; }, "load_kind: must be concurrency"},
      {[](json::Object& o) { o["setup"].as_object()["tensor_parallel"] = 1.5; },
       "setup.tensor_parallel: must be a whole number"},
  };
  for (const auto& c : cases) {
    json::Value value = example();
    c.damage(value.as_object());
    const auto read = from_json(value);
    ASSERT_FALSE(read) << c.says;
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(read.error().message, HasSubstr(c.says));
  }
  json::Value newer = example();
  newer.as_object()["schema"] = "kneepoint.profile.v9";
  EXPECT_EQ(from_json(newer).error().code, ErrorCode::Incompatible);
  EXPECT_FALSE(from_json(json::Array{}));
}

}  // namespace
}  // namespace kneepoint::profile
