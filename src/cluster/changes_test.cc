#include "cluster/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::cluster {
namespace {

using testing::ElementsAre;

json::Object object(std::string_view text) { return json::parse(text)->get_object(); }

std::vector<std::string> told(std::string_view before, std::string_view after) {
  std::vector<std::string> out;
  for (const Change& each : changes(object(before), object(after))) out.push_back(in_words(each));
  return out;
}

TEST(Changes, NameThePathAndBothValues) {
  EXPECT_THAT(told(R"({"spec":{"replicas":1,"paused":true}})",
                   R"({"spec":{"replicas":2,"minReadySeconds":5}})"),
              ElementsAre("spec.replicas: 1 -> 2", "spec.paused: gone, was true",
                          "spec.minReadySeconds: new, 5"));
}

TEST(Changes, LeaveOutWhatTheServerKeepsForItself) {
  EXPECT_THAT(told(R"({"metadata":{"uid":"a","resourceVersion":"1","generation":1},"status":{}})",
                   R"({"metadata":{"uid":"b","managedFields":[]},"status":{"x":1}})"),
              ElementsAre());
}

TEST(Changes, TellItemsApartByName) {
  EXPECT_THAT(told(R"({"c":[{"name":"a","image":"x"},{"name":"b","image":"y"}]})",
                   R"({"c":[{"name":"b","image":"z"},{"name":"a","image":"x"},{"name":"n"}]})"),
              ElementsAre(R"(c[b].image: "y" -> "z")", R"(c[n]: new, {"name":"n"})"));
  EXPECT_THAT(told(R"({"args":["a","b"]})", R"({"args":["a","c","d"]})"),
              ElementsAre(R"(args[1]: "b" -> "c")", R"(args[2]: new, "d")"));
}

TEST(Changes, HideWhatIsInASecret) {
  EXPECT_THAT(told(R"({"kind":"Secret","data":{"token":"aGYx"}})",
                   R"({"kind":"Secret","data":{"token":"aGYy"}})"),
              ElementsAre(R"(data.token: "***" -> "***")"));
  EXPECT_THAT(told(R"({"kind":"Secret"})", R"({"kind":"Secret","data":{"token":"aGYy"}})"),
              ElementsAre(R"(data: new, "***")"));
}

}  // namespace
}  // namespace kneepoint::cluster
