#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace kneepoint::json {
namespace {

using testing::HasSubstr;

TEST(Json, ErrorsNameThePlace) {
  const auto bad = parse("{\n  \"a\": 1,\n  oops\n}");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("line 3"));
  EXPECT_FALSE(parse("{} x"));
  EXPECT_FALSE(parse(std::string(100, '[')));
}

TEST(Json, KeepsMembersInOrderAndNumbersShort) {
  Value value = Object{{"z", 4.0}, {"a", 0.1}, {"n", std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_EQ(to_line(value), R"({"z":4,"a":0.1,"n":null})");
}

TEST(Yaml, NoStringBecomesStructureOrAnotherType) {
  const std::vector<std::string> hostile{"",
                                         "true",
                                         "No",
                                         "null",
                                         "~",
                                         "0",
                                         "1e3",
                                         "0x1f",
                                         "12:30",
                                         "- a",
                                         "a: b",
                                         "#c",
                                         "a #c",
                                         "{{ x }}",
                                         "---",
                                         "...",
                                         "\n---\nkind: Secret",
                                         "'quoted'",
                                         "\"double\"",
                                         "\\",
                                         "&a",
                                         "*a",
                                         "!!binary x",
                                         "%YAML",
                                         "|",
                                         ">",
                                         "@",
                                         "`",
                                         " lead",
                                         "trail ",
                                         "tab\t",
                                         std::string(10000, '-'),
                                         "\xc3\xa9t\xc3\xa9",
                                         "\x01",
                                         "2001-01-01",
                                         "y",
                                         "=",
                                         "<<"};
  for (const std::string& text : hostile) {
    const Value value = Object{{"before", 1}, {"text", text}, {text + "key", "v"}, {"after", 2}};
    const YAML::Node read = YAML::Load(to_yaml(value));
    ASSERT_EQ(read.size(), 4U) << to_yaml(value);
    EXPECT_EQ(read["text"].as<std::string>(), text);
    EXPECT_EQ(read["text"].Tag() == "!" || read["text"].Tag() == "?", true);
    EXPECT_EQ(read[text + "key"].as<std::string>(), "v");
    EXPECT_EQ(read["after"].as<int>(), 2);
  }
}

TEST(Yaml, WritesEmptyContainersAndNesting) {
  const Value value = Object{{"a", Array{}}, {"o", Object{}}, {"l", Array{Object{{"x", "1"}}, 2}}};
  const YAML::Node read = YAML::Load(to_yaml(value));
  EXPECT_TRUE(read["a"].IsSequence());
  EXPECT_TRUE(read["o"].IsMap());
  EXPECT_EQ(read["l"][0]["x"].as<std::string>(), "1");
}

}  // namespace
}  // namespace kneepoint::json
