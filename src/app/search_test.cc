#include "app/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "app/testing/fake_predictor.h"
#include "profile/predicted_table.h"

namespace kneepoint::app {
namespace {

using testing::HasSubstr;

const catalog::Catalog& shipped() {
  static const catalog::Catalog catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  return catalog;
}

SearchAsk ask() {
  SearchAsk out;
  out.model = "meta-llama/Llama-3.1-8B-Instruct";
  out.accelerators = {"nvidia-l4", "nvidia-h100-80gb"};
  return out;
}

recommend::Request request() {
  recommend::Request out;
  out.pricing.today = *parse_date("2026-11-21");
  return out;
}

TEST(PlanSearch, TriesEachSetupThatFitsOnce) {
  const auto plan = plan_search(shipped(), ask(), {});
  ASSERT_TRUE(plan) << plan.error().message;
  std::set<std::string> ids;
  for (const predict::Question& question : *plan) {
    EXPECT_TRUE(ids.insert(profile::predicted_id(question.setup, question.workload)).second);
    EXPECT_EQ(*question.setup.accelerator_count,
              *question.setup.tensor_parallel * question.setup.pipeline_parallel.value_or(1));
  }
  EXPECT_GT(ids.size(), 20u);
}

TEST(PlanSearch, VariesTheLimitsThatAreNamed) {
  SearchAsk asked = ask();
  asked.tensor = {1};
  asked.pipeline = {1};
  asked.weight_precisions = {"bf16"};
  asked.kv_precisions = {""};
  asked.accelerators = {"nvidia-h100-80gb"};
  asked.max_num_seqs = {64, 256};
  asked.max_num_batched_tokens = {2048, 4096, 8192};
  const auto plan = plan_search(shipped(), asked, {});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->size(), 6u);
  EXPECT_EQ(plan->front().setup.server_settings, "max-num-seqs=64;max-num-batched-tokens=2048");
}

TEST(PlanSearch, SaysWhenNothingFits) {
  SearchAsk asked = ask();
  asked.model = "meta-llama/Llama-3.1-405B";
  asked.accelerators = {"nvidia-l4"};
  asked.tensor = {1};
  const auto plan = plan_search(shipped(), asked, {});
  ASSERT_FALSE(plan);
  EXPECT_THAT(plan.error().message, HasSubstr("no setup"));
}

TEST(Search, RanksByTheFleetThatCarriesTheLoad) {
  const auto plan = plan_search(shipped(), ask(), {});
  ASSERT_TRUE(plan);
  recommend::Request wanted = request();
  wanted.expected_requests_per_second = 50;
  wanted.targets = {{metrics::Metric::Tpot, metrics::Statistic::P50, 25}};
  const auto found = search(shipped(), FakePredictor(), *plan, ask(), wanted);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_GT(found->result.ranked.size(), 1u);
  for (std::size_t i = 1; i < found->result.ranked.size(); ++i) {
    EXPECT_LE(*found->result.ranked[i - 1].fleet_usd_per_hour,
              *found->result.ranked[i].fleet_usd_per_hour);
  }
}

TEST(Search, SimulatesSoManyRequestsAtSoManyLoads) {
  SearchAsk asked = ask();
  asked.requests = 1000;
  asked.loads = 8;
  const auto plan = plan_search(shipped(), asked, {});
  ASSERT_TRUE(plan);
  const FakePredictor predictor;
  const auto found = search(shipped(), predictor, *plan, asked, request());
  ASSERT_TRUE(found);
  EXPECT_EQ(static_cast<std::size_t>(predictor.asked), 8 * plan->size());
  EXPECT_GE(found->simulated_requests, 8000.0 * static_cast<double>(plan->size()));
}

TEST(Search, StopsWhenToldTo) {
  const auto plan = plan_search(shipped(), ask(), {});
  ASSERT_TRUE(plan);
  SearchOptions options;
  options.stop = [] { return true; };
  const auto found = search(shipped(), FakePredictor(), *plan, ask(), request(), options);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message, "cancelled");
}

TEST(Search, GoesOnWhereASetupCannotBePredicted) {
  const auto plan = plan_search(shipped(), ask(), {});
  ASSERT_TRUE(plan);
  std::vector<predict::Question> with_broken = *plan;
  with_broken.front().setup.accelerator = "broken";
  const auto found = search(shipped(), FakePredictor(), with_broken, ask(), request());
  ASSERT_TRUE(found);
  EXPECT_EQ(found->left_out, 1u);
  EXPECT_THAT(found->first_left_out, HasSubstr("broken"));
}

}  // namespace
}  // namespace kneepoint::app
