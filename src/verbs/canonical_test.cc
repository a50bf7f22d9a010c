#include "verbs/canonical.h"

#include <gmock/gmock.h>

namespace kneepoint::verbs {
namespace {

using ::testing::HasSubstr;

json::Object ask(std::string_view body) {
  auto out = canonical(json::parse(body).value());
  EXPECT_TRUE(out) << out.error().message;
  return out.value_or(json::Object());
}
std::string line(const json::Object& object) { return json::to_line(object); }

TEST(CanonicalAsk, TakesBothSpellingsInOneBodyAndSortsThem) {
  EXPECT_EQ(line(ask(R"({"model_server_info": {"modelServerVersion": "", "model": "m",
                         "model_server": "vllm"}, "instanceType": null, "pageSize": 0})")),
            R"({"modelServerInfo":{"model":"m","modelServer":"vllm"},"pageSize":0})");
}
TEST(CanonicalAsk, OfTwoClientsIsTheSameBytes) {
  EXPECT_EQ(line(ask(R"({"b_c": 1, "a": {"y_z": 2, "x": 1}})")),
            line(ask(R"({"a": {"x": 1, "yZ": 2}, "bC": 1})")));
}
TEST(CanonicalAsk, RefusesTwoValuesOfOneField) {
  const auto twice = canonical(json::parse(R"({"page_size": 1, "pageSize": 2})").value());
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("'pageSize' is given twice"));
  EXPECT_TRUE(canonical(json::parse(R"({"page_size": 1, "pageSize": 1})").value()));
}
TEST(CanonicalAsk, LeavesDocumentsOfOthersAsTheyAre) {
  constexpr std::string_view kOpaque[] = {"config"};
  const auto out = canonical(
      json::parse(R"({"config": {"num_layers": 2, "rope": null}, "model_id": "x"})").value(),
      kOpaque);
  EXPECT_EQ(line(out.value()), R"({"config":{"num_layers":2,"rope":null},"modelId":"x"})");
}
TEST(CanonicalAsk, IsAnObjectOrNothing) {
  EXPECT_TRUE(ask("null").empty());
  EXPECT_FALSE(canonical(json::parse("[1]").value()));
}

TEST(CanonicalQuery, PassesOverWhatThePlatformAdds) {
  const auto out = with_parameters({{"$alt", "json;enum-encoding=int"},
                                    {"alt", "json"},
                                    {"prettyPrint", "false"},
                                    {"key", "secret"},
                                    {"model", "google/gemma-2-27b-it"},
                                    {"page_size", "2"},
                                    {"pageToken", ""}});
  EXPECT_EQ(line(out.value()), R"({"model":"google/gemma-2-27b-it","pageSize":"2"})");
}
TEST(CanonicalQuery, ReadsDottedNamesAndRepeats) {
  const auto out = with_parameters(
      {{"performanceRequirements.target_ntpot_milliseconds", "40"}, {"id", "a"}, {"id", "b"}});
  EXPECT_EQ(line(out.value()),
            R"({"id":["a","b"],"performanceRequirements":{"targetNtpotMilliseconds":"40"}})");
}
TEST(CanonicalQuery, IsBounded) {
  EXPECT_FALSE(with_parameters({{"model", std::string(5000, 'x')}}));
  EXPECT_FALSE(with_parameters(std::vector<std::pair<std::string, std::string>>(101, {"a", "b"})));
  EXPECT_FALSE(with_parameters({{"a.b.c.d.e.f.g.h.i.j.k", "1"}}));
  EXPECT_FALSE(with_parameters({{"a", "1"}, {"a.b", "1"}}));
}

TEST(AskReader, TakesNumbersAsTextAndTextNever) {
  const auto body = ask(R"({"units": "2", "nanos": 1500000000, "ratio": 4.0, "count": 3.0})");
  Reader read(body);
  EXPECT_EQ(read.integer("units", 0, 10), 2);
  EXPECT_EQ(read.integer("nanos", 0, 2'000'000'000), 1500000000);
  EXPECT_EQ(read.number("ratio", 0, 10), 4);
  EXPECT_EQ(read.integer("count", 0, 10), 3);
  EXPECT_TRUE(read.end());
  Reader again(body);
  again.text("nanos");
  EXPECT_THAT(again.end().error().message, HasSubstr("nanos: must be a text, not 1500000000"));
}
TEST(AskReader, NamesThePathOfWhatIsWrong) {
  const auto body = ask(R"({"performanceRequirements": {"targetNtpotMilliseconds": "fast"}})");
  Reader read(body);
  Reader targets = read.message("performanceRequirements");
  EXPECT_FALSE(targets.integer("targetNtpotMilliseconds", 1, 1000));
  EXPECT_EQ(
      read.end().error().message,
      "performanceRequirements.targetNtpotMilliseconds: must be a whole number, not \"fast\"");
}
TEST(AskReader, RefusesWhatNobodyReads) {
  const auto body = ask(R"({"modelServer": "vllm", "inner": {"ttftt": 3}})");
  Reader read(body);
  read.text("modelServer");
  read.message("inner").integer("ttft", 0, 10);
  EXPECT_EQ(read.end().error().message, "inner.ttftt: unknown field; did you mean ttft?");
}
TEST(AskReader, RequiresWhatItMust) {
  const json::Object body;
  Reader read(body);
  EXPECT_EQ(read.required_text("model"), "");
  EXPECT_FALSE(read.message("storageConfig").integer("x", 0, 1));
  EXPECT_EQ(read.end().error().message, "model: is required");
}
TEST(AskReader, KeepsControlCharactersAndLongTextsOut) {
  auto body = ask(R"({"a": "x\u0000y"})");
  Reader read(body);
  read.text("a");
  EXPECT_FALSE(read.end());
  body = ask(R"({"a": "xyz"})");
  Reader longer(body);
  longer.text("a", 2);
  EXPECT_EQ(longer.end().error().message, "a: has 3 bytes; at most 2 are read");
}

}  // namespace
}  // namespace kneepoint::verbs
