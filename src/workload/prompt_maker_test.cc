#include "workload/prompt_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/json.h"
#include "workload/word_list.h"

namespace kneepoint::workload {
namespace {

using ::testing::HasSubstr;

RequestPlan plan_of(std::int64_t prompt, std::int64_t input, std::int64_t prefix = 0,
                    std::int64_t group = 0, std::int64_t history = 0) {
  RequestPlan plan;
  plan.index = prompt;
  plan.prompt = prompt;
  plan.input = Tokens(input);
  plan.prefix = Tokens(prefix);
  plan.history = Tokens(history);
  if (prefix > 0) plan.prefix_group = group;
  return plan;
}

std::string written(PromptMaker& maker, const RequestPlan& plan) {
  std::string json = "x";
  maker.write(plan, json);
  EXPECT_EQ(json.front(), 'x') << "appended";
  return json.substr(1);
}

std::vector<std::int64_t> ids(PromptMaker& maker, const RequestPlan& plan) {
  std::vector<std::int64_t> out;
  const json::Value value = json::parse(written(maker, plan)).value();
  for (const json::Value& id : value.as_array()) out.push_back(id.as_int64());
  return out;
}

std::string text(PromptMaker& maker, const RequestPlan& plan) {
  return std::string(json::parse(written(maker, plan)).value().as_string());
}

std::size_t shared(const auto& a, const auto& b) {
  const auto [end, other] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end - a.begin());
}

// ---- Tokenizers, as servers have them ----

struct Tokenizer {
  std::int64_t overhead = 1;
  std::int64_t letters_per_token = 100;  // of a word; a longer one is several tokens
  std::int64_t unspaced_costs = 0;       // a first word of an odd length costs more

  Tokens operator()(std::string_view said) const {
    std::int64_t tokens = overhead;
    bool first = true;
    while (!said.empty()) {
      const std::size_t end = std::min(said.find(' '), said.size());
      const auto letters = static_cast<std::int64_t>(end);
      tokens += (letters + letters_per_token - 1) / letters_per_token;
      if (first && letters % 2 == 1) tokens += unspaced_costs;
      first = false;
      said.remove_prefix(std::min(end + 1, said.size()));
    }
    return Tokens(tokens);
  }
};

TextScale calibrated(const Tokenizer& tokenizer, int* asked = nullptr) {
  const auto scale = calibrate([&](std::string_view said) -> Result<Tokens> {
    if (asked != nullptr) ++*asked;
    return tokenizer(said);
  });
  EXPECT_TRUE(scale) << scale.error().message;
  return scale.value_or(TextScale{});
}

TEST(WordList, IsPlainAndNoWordTwice) {
  std::set<std::string_view> seen;
  for (const std::string_view word : word_list()) {
    EXPECT_TRUE(word.size() >= 3 && word.size() <= kLongestWord) << word;
    EXPECT_TRUE(std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; })) << word;
    EXPECT_TRUE(seen.insert(word).second) << word;
  }
  EXPECT_GE(seen.size(), 500U);
}

TEST(TokenIds, AreAsManyAsWantedAndInRange) {
  const auto maker = token_id_prompts(7, {.first = 100, .last = 120});
  for (const std::int64_t count : {1, 2, 3, 4, 5, 6, 127, 1000}) {
    const auto prompt = ids(*maker, plan_of(3, count));
    EXPECT_EQ(prompt.size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(std::ranges::all_of(prompt, [](auto id) { return id >= 100 && id <= 120; }));
  }
}

TEST(TokenIds, AGroupSharesThePrefixAndNotOneTokenMore) {
  const auto maker = token_id_prompts(7);
  const auto first = ids(*maker, plan_of(1, 50, 300, 2));
  EXPECT_EQ(first.size(), 350U);
  for (std::int64_t prompt = 2; prompt < 40; ++prompt) {
    EXPECT_EQ(shared(first, ids(*maker, plan_of(prompt, 60, 300, 2))), 300U);
    EXPECT_EQ(shared(first, ids(*maker, plan_of(prompt, 50, 300, 3))), 0U) << "another group";
    EXPECT_EQ(shared(ids(*maker, plan_of(1, 50)), ids(*maker, plan_of(prompt, 50))), 0U);
  }
  EXPECT_EQ(ids(*maker, plan_of(1, 50, 300, 2)), first) << "the same plan, the same prompt";
  EXPECT_NE(ids(*token_id_prompts(8), plan_of(1, 50, 300, 2)), first);
}

TEST(TokenIds, ALaterTurnRepeatsTheEarlierOnes) {
  const auto maker = token_id_prompts(7);
  const auto first = ids(*maker, plan_of(5, 20, 10, 1));
  const auto second = ids(*maker, plan_of(5, 30, 10, 1, 20 + 15));
  EXPECT_EQ(second.size(), 75U);
  EXPECT_EQ(shared(first, second), first.size());
}

TEST(TokenIds, BlocksOfATraceAreSharedAsFarAsTheirNumbersAre) {
  const auto maker = token_id_prompts(7);
  RequestPlan first = plan_of(1, 1300);
  first.blocks = {0, 1, 2};
  RequestPlan second = plan_of(2, 2000);
  second.blocks = {0, 1, 3, 4};
  EXPECT_EQ(ids(*maker, first).size(), 1300U);
  EXPECT_EQ(ids(*maker, second).size(), 2000U);
  EXPECT_EQ(shared(ids(*maker, first), ids(*maker, second)), 1024U);
  const auto words = text_prompts(7, PromptForm::Completion, {});
  const std::string said = text(*words, first);
  const std::size_t same = shared(said, text(*words, second));
  const auto blanks = std::ranges::count(said.substr(0, same), ' ');
  EXPECT_GE(blanks, 1023);
  EXPECT_LE(blanks, 1026);
  EXPECT_EQ(std::ranges::count(said, ' '), 1299);
}

TEST(TokenIds, StayInsideAVocabulary) {
  for (const std::int64_t vocabulary : {1, 2, 100, 512, 5000, 18'383, 18'384, 128'256}) {
    const IdRange range = safe_ids(vocabulary);
    EXPECT_GE(range.first, 0);
    EXPECT_LE(range.first, range.last);
    EXPECT_LT(range.last, vocabulary);
  }
  EXPECT_EQ(safe_ids(512).first, 128);
  EXPECT_EQ(safe_ids(128'256).last, 9191);
}

TEST(Calibrate, WordsOfOneTokenMakePromptsOfExactLength) {
  int asked = 0;
  const Tokenizer tokenizer{.overhead = 17, .letters_per_token = 6, .unspaced_costs = 1};
  const TextScale scale = calibrated(tokenizer, &asked);
  EXPECT_TRUE(scale.exact);
  EXPECT_EQ(scale.tokens_per_word, 1);
  EXPECT_EQ(scale.overhead, 17);
  EXPECT_LT(asked, 900);
  const auto maker = text_prompts(7, PromptForm::Completion, scale);
  for (const std::int64_t count : {18, 19, 50, 128, 1000, 4000}) {
    for (std::int64_t prompt = 0; prompt < 30; ++prompt) {
      EXPECT_EQ(tokenizer(text(*maker, plan_of(prompt, count))).count(), count);
      EXPECT_EQ(tokenizer(text(*maker, plan_of(prompt, count, 64, prompt % 3, 9))).count(),
                count + 64 + 9);
    }
  }
}

TEST(Calibrate, TheUsualTokenizerIsAskedLittle) {
  int asked = 0;
  EXPECT_EQ(calibrated({}, &asked).words.size(), word_list().size());
  EXPECT_LE(asked, 60);
}

TEST(Calibrate, TheSameAnswersGiveTheSameScale) {
  const Tokenizer tokenizer{.overhead = 3, .letters_per_token = 5};
  EXPECT_EQ(calibrated(tokenizer), calibrated(tokenizer));
}

TEST(Calibrate, WhereNoWordIsOneTokenThoseOfOneCostAreTaken) {
  int asked = 0;
  const Tokenizer tokenizer{.overhead = 2, .letters_per_token = 1};
  const TextScale scale = calibrated(tokenizer, &asked);
  EXPECT_TRUE(scale.exact);
  EXPECT_EQ(scale.tokens_per_word, 4) << "most words have four letters";
  EXPECT_LE(asked, 1200);
  const auto maker = text_prompts(7, PromptForm::Completion, scale);
  for (const std::int64_t count : {100, 1000}) {
    const auto counted = tokenizer(text(*maker, plan_of(1, count))).count();
    EXPECT_NEAR(static_cast<double>(counted), static_cast<double>(count), 4);
  }
}

TEST(Calibrate, OtherwiseTheMeanHolds) {
  // Costs that depend on the letters themselves: no two alike but by chance.
  const auto odd = [](std::string_view said) {
    double tokens = 1;
    for (const char c : said) tokens += 0.1 + 0.01 * (c % 32);
    return Tokens(static_cast<std::int64_t>(tokens * 10));
  };
  const auto scale = calibrate([&](std::string_view said) -> Result<Tokens> { return odd(said); });
  ASSERT_TRUE(scale);
  EXPECT_FALSE(scale->exact);
  const auto maker = text_prompts(7, PromptForm::Completion, *scale);
  const double counted = static_cast<double>(odd(text(*maker, plan_of(1, 20'000))).count());
  EXPECT_NEAR(counted, 20'000, 400);
}

TEST(Calibrate, ErrorsOfTheAskerAndSenselessCountsAreTold) {
  const auto failing = calibrate([](std::string_view) -> Result<Tokens> {
    return fail(ErrorCode::Unavailable, "status 404");
  });
  EXPECT_THAT(failing.error().message, HasSubstr("404"));
  for (const std::int64_t same : {0, 5}) {
    const auto constant =
        calibrate([&](std::string_view) -> Result<Tokens> { return Tokens(same); });
    ASSERT_FALSE(constant) << same;
    EXPECT_THAT(constant.error().message, HasSubstr("the server counts"));
  }
}

TEST(TextPrompts, AGroupSharesThePrefixAndSessionsDiffer) {
  const Tokenizer tokenizer{.overhead = 1, .letters_per_token = 6};
  const auto maker = text_prompts(7, PromptForm::Completion, calibrated(tokenizer));
  const std::string first = text(*maker, plan_of(1, 50, 300, 2));
  for (std::int64_t prompt = 2; prompt < 40; ++prompt) {
    const std::string other = text(*maker, plan_of(prompt, 50, 300, 2));
    std::size_t same = shared(first, other);
    while (same > 0 && first[same - 1] != ' ') --same;  // whole words
    EXPECT_EQ(std::ranges::count(first.substr(0, same), ' '), 300);
    EXPECT_NE(text(*maker, plan_of(1, 50)), text(*maker, plan_of(prompt, 50)));
  }
  EXPECT_EQ(text(*maker, plan_of(1, 50, 300, 2)), first);
  const std::string second = text(*maker, plan_of(1, 20, 300, 2, 50 + 30));
  EXPECT_TRUE(second.starts_with(first));
}

TEST(TextPrompts, AChatIsAMessageOfTheUser) {
  const auto maker = text_prompts(7, PromptForm::Chat, {});
  const json::Value value = json::parse(written(*maker, plan_of(1, 5))).value();
  ASSERT_EQ(value.as_array().size(), 1U);
  EXPECT_EQ(value.as_array()[0].as_object().at("role").as_string(), "user");
  const auto& content = value.as_array()[0].as_object().at("content").as_string();
  EXPECT_EQ(std::ranges::count(content, ' '), 4);
}

TEST(TextPrompts, UsageTeachesTheScale) {
  const Tokenizer tokenizer{.overhead = 25, .letters_per_token = 4};
  for (const bool one_length : {true, false}) {
    const auto maker = learning_text_prompts(7, PromptForm::Completion);
    double first = 0, late_counted = 0, late_wanted = 0, worst = 0;
    for (std::int64_t i = 0; i < 400; ++i) {
      const std::int64_t wanted = one_length ? 600 : 200 + 37 * (i % 29);
      const RequestPlan plan = plan_of(i, wanted, 100, i % 4);
      const Tokens counted = tokenizer(text(*maker, plan));
      maker->learn(plan, counted);
      const auto all = static_cast<double>(wanted + 100);
      const double ratio = static_cast<double>(counted.count()) / all;
      if (i == 0) first = ratio;
      if (i < UsageScale::kPrompts) continue;
      late_counted += static_cast<double>(counted.count());
      late_wanted += all;
      worst = std::max(worst, std::abs(ratio - 1));
    }
    EXPECT_GT(first, 1.3);
    EXPECT_NEAR(late_counted / late_wanted, 1, 0.01);
    EXPECT_LT(worst, 0.12) << "words differ, so single prompts do";
  }
}

TEST(TextPrompts, APrefixStaysAsItWasFirstSentWhileTheScaleIsLearned) {
  const Tokenizer tokenizer{.overhead = 0, .letters_per_token = 3};
  const auto maker = learning_text_prompts(7, PromptForm::Completion);
  const std::string first = text(*maker, plan_of(0, 50, 100, 1));
  for (std::int64_t i = 0; i < 100; ++i) {
    const RequestPlan plan = plan_of(i, 50, 100, 1);
    const std::string said = text(*maker, plan);
    maker->learn(plan, tokenizer(said));
    const std::size_t same = shared(first, said);
    EXPECT_GE(std::ranges::count(first.substr(0, same), ' '), 99);
  }
}

}  // namespace
}  // namespace kneepoint::workload
