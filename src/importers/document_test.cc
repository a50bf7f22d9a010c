#include "importers/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::importers {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Documents, AreJsonLinesOrYamlByContentAndNotByName) {
  EXPECT_EQ(parse_document("a", "{\n \"a\": 1\n}\n")->values.size(), 1U);
  const auto lines = parse_document("a", "{\"a\":1}\n\n{\"a\":2}\n");
  ASSERT_TRUE(lines);
  EXPECT_TRUE(lines->lines);
  EXPECT_EQ(lines->values.size(), 2U);
  const auto yaml = parse_document("a.json", "a: 1\nb: [x, '2', 2.5, .inf, ~, true]\n");
  ASSERT_TRUE(yaml);
  EXPECT_EQ(json::to_line(yaml->values[0]), R"({"a":1,"b":["x","2",2.5,null,null,true]})");
}

TEST(Documents, TakePythonsNanAndInfinityForNothing) {
  const auto read =
      parse_document("a", R"({"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" NaN"})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(json::to_line(read->values[0]), R"({"a":null,"b":[null,null],"c":"NaN \" NaN"})");
}

TEST(Documents, NameFileAndLineOfWhatIsWrong) {
  EXPECT_THAT(parse_document("r.jsonl", "{\"a\":1}\n{\"a\":}\n{}").error().message,
              StartsWith("r.jsonl: line 2: not JSON"));
  EXPECT_THAT(parse_document("r.json", "  \n").error().message, HasSubstr("is empty"));
  EXPECT_THAT(parse_document("r.yaml", "a: [1\nb: 2").error().message,
              StartsWith("r.yaml: not YAML"));
}

TEST(Documents, RefuseAYamlBomb) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 9; ++k) text += (k ? ", *a" : "*a") + std::to_string(i - 1);
    text += "]\n";
  }
  EXPECT_THAT(parse_document("bomb", text).error().message, HasSubstr("too many values"));
  EXPECT_THAT(parse_document("deep", "a: " + std::string(5000, '[')).error().message,
              HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace kneepoint::importers
