#include "workload/spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/file.h"

namespace kneepoint::workload {
namespace {

using testing::HasSubstr;

// Every member the schema has, over a few documents.
const std::vector<std::string>& documents() {
  static const std::vector<std::string> all{
      R"({"schema":"kneepoint.run-spec.v1","seed":18446744073709551615,"arrivals":{"pattern":"poisson","rate":4.5},"lengths":{"input":"sharegpt-input","output":"uniform:64,256"},"requests":1000})",
      R"({"schema":"kneepoint.run-spec.v1","seed":7,"arrivals":{"pattern":"gamma","rate":4,"burstiness":0.5,"ramp":{"from":0,"seconds":60.25}},"in_flight":32,"lengths":{"input":"128","output":"64"},"prefix":{"groups":4,"tokens":1024,"prompts_per_group":10},"sessions":{"turns":"uniform:2,5","think_time":"exponential:4"},"duration_s":60.5})",
      R"({"schema":"kneepoint.run-spec.v1","seed":0,"arrivals":{"pattern":"trace","file":"a.csv","speed":2},"lengths":{"pairs":"a.csv","order":"random"},"prefix":{"groups":4,"tokens":1}})",
      R"({"schema":"kneepoint.run-spec.v1","seed":0,"arrivals":{"pattern":"constant","rate":1},"lengths":{"pairs":"a.csv","order":"file"},"requests":1,"duration_s":1e-09})",
      R"({"schema":"kneepoint.run-spec.v1","seed":0,"in_flight":1,"lengths":{"input":"1","output":"1"},"sessions":{"turns":"2","think_time":"0"},"requests":1000000000})",
  };
  return all;
}

std::string error_of(std::string_view text) {
  const auto spec = parse_run_spec(text);
  EXPECT_FALSE(spec) << text;
  return spec ? "" : spec.error().message;
}

/// The first document with one piece of its text replaced.
std::string with(std::string_view piece, std::string_view by, std::size_t document = 1) {
  std::string text = documents()[document];
  const auto at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), by);
}

TEST(RunSpec, ReadsBackWhatItWritesByteForByte) {
  for (const std::string& text : documents()) {
    const auto spec = parse_run_spec(text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(json::to_line(to_json(*spec)), text);
    EXPECT_EQ(from_json(to_json(*spec)), *spec);
  }
}

TEST(RunSpec, PlainNumbersStandForFixedLengthsAndTimes) {
  const auto spec = parse_run_spec(
      R"({"schema":"kneepoint.run-spec.v1","in_flight":2,"lengths":{"input":512,"output":64},"sessions":{"turns":3,"think_time":1.5},"requests":9})");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->lengths.input.first, 512);
  EXPECT_EQ(spec->sessions->think.first, 1.5);
  EXPECT_EQ(spec->seed, 0U);
}

TEST(RunSpec, ErrorsNameTheMember) {
  EXPECT_THAT(error_of(with("\"rate\":4", "\"rat\":4")), HasSubstr("arrivals.rate: is missing"));
  EXPECT_THAT(error_of(with("\"seed\":7", "\"sede\":7")),
              HasSubstr("sede: unknown member; is 'seed' meant?"));
  EXPECT_THAT(error_of(with("\"from\":0", "\"from\":0,\"to\":1")),
              HasSubstr("arrivals.ramp.to: unknown member"));
  EXPECT_THAT(error_of(with("\"seed\":7", "\"seed\":-7")), HasSubstr("seed: must be a whole"));
  EXPECT_THAT(error_of(with("\"gamma\"", "\"weibull\"")), HasSubstr("arrivals.pattern: must be"));
  EXPECT_THAT(error_of(with("\"rate\":4", "\"rate\":0")), HasSubstr("arrivals.rate: must be from"));
  EXPECT_THAT(error_of(with("\"rate\":4", "\"rate\":\"4\"")),
              HasSubstr("arrivals.rate: must be a number"));
  EXPECT_THAT(error_of(with(":0.5", ":0")), HasSubstr("arrivals.burstiness: must be from"));
  EXPECT_THAT(error_of(with("60.25", "-1")), HasSubstr("arrivals.ramp.seconds: must be above 0"));
  EXPECT_THAT(error_of(with(":32", ":0")), HasSubstr("in_flight: must be from 1"));
  EXPECT_THAT(error_of(with(":32", ":1.5")), HasSubstr("in_flight: must be a whole number"));
  EXPECT_THAT(error_of(with("\"128\"", "\"uniform:2\"")),
              HasSubstr("lengths.input: lengths 'uniform:2': column 10"));
  EXPECT_THAT(error_of(with("\"groups\":4", "\"groups\":0")), HasSubstr("prefix.groups: must be"));
  EXPECT_THAT(error_of(with("_group\":10", "_group\":10000000")),
              HasSubstr("prefix.prompts_per_group: must be from 1 to 2500000"));
  EXPECT_THAT(error_of(with("uniform:2,5", "sharegpt-input")),
              HasSubstr("sessions.turns: must be"));
  EXPECT_THAT(error_of(with("exponential:4", "exponential:x")),
              HasSubstr("sessions.think_time: think time"));
  EXPECT_THAT(error_of(with("{\"groups\":4,\"tokens\":1024,\"prompts_per_group\":10}", "3")),
              HasSubstr("prefix: must be an object"));
  EXPECT_THAT(error_of(with(",\"duration_s\":60.5", "")), HasSubstr("requests: is missing"));
  EXPECT_THAT(error_of(with("\"in_flight\":1,", "", 4)), HasSubstr("arrivals: is missing"));
  EXPECT_THAT(error_of(with("\"trace\",\"file\":\"a.csv\"", "\"trace\"", 2)),
              HasSubstr("arrivals.file: is missing"));
  EXPECT_THAT(error_of("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(error_of("{"), HasSubstr("not JSON"));
  EXPECT_EQ(parse_run_spec(with("spec.v1", "spec.v2")).error().code, ErrorCode::Incompatible);
}

TEST(RunSpec, BuiltInCodeIsHeldToTheSameRules) {
  RunSpec spec = *parse_run_spec(documents()[0]);
  EXPECT_TRUE(check(spec));
  spec.lengths.input.first = 5;  // the ShareGPT table has no such number
  EXPECT_FALSE(check(spec));
  spec = *parse_run_spec(documents()[0]);
  spec.arrivals->rate = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(check(spec));
}

// No validator of JSON schemas is at hand, so the schema is held to the reader where they can drift
// apart: the members they know.
TEST(RunSpec, TheSchemaKnowsTheMembersTheReaderKnows) {
  const auto text = read_file(KP_SOURCE_DIR "/docs/schema/run-spec.v1.json");
  ASSERT_TRUE(text) << text.error().message;
  const auto schema = json::parse(*text);
  ASSERT_TRUE(schema) << schema.error().message;
  const json::Object& properties = schema->as_object().at("properties").as_object();
  EXPECT_EQ(properties.at("schema").as_object().at("const").as_string(), kRunSpecSchema);
  std::set<std::string> seen;
  for (const std::string& document : documents()) {
    const auto parsed = json::parse(document);
    for (const auto& member : parsed->as_object()) {
      const json::Value* described = properties.if_contains(member.key());
      ASSERT_NE(described, nullptr) << member.key();
      seen.emplace(member.key());
      if (!member.value().is_object()) continue;
      for (const auto& inner : member.value().as_object()) {
        EXPECT_THAT(json::to_line(*described), HasSubstr('"' + std::string(inner.key()) + '"'));
      }
    }
  }
  EXPECT_EQ(seen.size(), properties.size());
}

}  // namespace
}  // namespace kneepoint::workload
