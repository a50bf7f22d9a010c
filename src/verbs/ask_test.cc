#include "verbs/ask.h"

#include <gtest/gtest.h>

#include <array>

namespace kneepoint::verbs {
namespace {

json::Object object(std::string_view text) { return json::parse(text)->as_object(); }

TEST(Ask, ReadsNumbersAndTruthAsAQueryStringHasThem) {
  const json::Object given = object(R"({"a": "12", "b": 12, "c": "true", "d": "x,y", "e": ""})");
  Ask ask(given);
  EXPECT_EQ(ask.whole("a", 0, 100), 12);
  EXPECT_EQ(ask.whole("b", 0, 100), 12);
  EXPECT_TRUE(ask.flag("c"));
  EXPECT_EQ(ask.texts("d"), (std::vector<std::string>{"x", "y"}));
  EXPECT_FALSE(ask.given("e"));
  EXPECT_EQ(ask.text("e"), "");
  EXPECT_TRUE(ask.done());
}

TEST(Ask, NamesThePathOfTheFieldThatIsWrong) {
  const json::Object given = object(R"({"targets": [{"metric": "ttft"}, {"metric": 3}]})");
  Ask ask(given);
  for (Ask& one : ask.objects("targets")) one.text("metric");
  const auto done = ask.done();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(done.error().message, "targets[1].metric: expected text");
}

TEST(Ask, RefusesAFieldThatNobodyReadsAndNamesTheNearest) {
  const json::Object given = object(R"({"modle": "x", "pricing": {}})");
  Ask ask(given);
  ask.text("model");
  ask.object("pricing");
  const auto done = ask.done();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "modle: no such field; did you mean model?");
}

TEST(Ask, KnowsTheFieldsOfObjectsInObjects) {
  const json::Object given = object(R"({"pricing": {"modell": "spot"}})");
  Ask ask(given);
  ask.object("pricing").text("model");
  const auto done = ask.done();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "pricing.modell: no such field; did you mean model?");
}

TEST(Ask, ToldWhatIsWrongFirst) {
  const json::Object given = object(R"({"a": "no", "b": "neither", "c": 7})");
  Ask ask(given);
  ask.number("a", 0, 5);
  ask.flag("b");
  constexpr std::array<std::string_view, 2> kWords{"x", "y"};
  EXPECT_EQ(ask.word("c", kWords), "x");
  const auto done = ask.done();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "a: expected a number from 0 to 5");
}

TEST(Ask, TakesZeroForNotGivenWhereZeroHasNoMeaning) {
  const json::Object given = object(R"({"a": 0, "b": 0.0})");
  Ask ask(given);
  EXPECT_EQ(ask.whole("a", 1, 5), std::nullopt);
  EXPECT_EQ(ask.positive("b"), std::nullopt);
  EXPECT_TRUE(ask.done());
}

TEST(Ask, BoundsWhatItTakes) {
  json::Array many(300, 1);
  const json::Object given{{"long", std::string(2000, 'x')}, {"many", many}};
  Ask ask(given);
  ask.text("long");
  ask.numbers("many", 0, 5);
  EXPECT_EQ(ask.done().error().message, "long: longer than 1000 bytes");
  Ask again(given);
  again.text("long", 5000);
  again.numbers("many", 0, 5);
  EXPECT_EQ(again.done().error().message, "many: more than 200 of them");
}

}  // namespace
}  // namespace kneepoint::verbs
