#include "autoscale/scenario_json.h"

#include <gtest/gtest.h>

namespace kneepoint::autoscale {
namespace {

constexpr std::string_view kStep =
    R"({"hpa":{"maxReplicas":20,"metrics":[{"type":"Pods","pods":{"target":
       {"type":"AverageValue","averageValue":"10"}}}]},
       "replicas":1,"duration_s":110,"startup_s":30,"total":[[0,8],[65,150]]})";

TEST(ScenarioJson, IsReadRunAndWritten) {
  const auto scenario = scenario_of(json::parse(kStep).value().as_object());
  ASSERT_TRUE(scenario) << scenario.error().message;
  EXPECT_EQ(json::to_line(json_of(run(*scenario))),
            "[[15010,1],[30020,1],[45030,1],[60040,1],[75050,4],[90060,8],[105070,15]]");
}

TEST(ScenarioJson, NamesWhatIsWrong) {
  const auto said = [](std::string_view member, json::Value value) {
    auto document = json::parse(kStep).value().as_object();
    document[member] = std::move(value);
    const auto scenario = scenario_of(document);
    return scenario ? std::string() : scenario.error().message;
  };
  EXPECT_NE(said("hpa", nullptr).find("hpa"), std::string::npos);
  EXPECT_NE(said("hpa", json::Object{}).find("maxReplicas"), std::string::npos);
  EXPECT_NE(said("replicas", -1).find("replicas"), std::string::npos);
  EXPECT_NE(said("duration_s", "long").find("duration_s"), std::string::npos);
  EXPECT_NE(said("startup_s", 1e9).find("startup_s"), std::string::npos);
  EXPECT_NE(said("total", json::Array{}).find("total"), std::string::npos);
  EXPECT_NE(said("total", json::Array{json::Array{0, -1}}).find("total"), std::string::npos);
}

}  // namespace
}  // namespace kneepoint::autoscale
