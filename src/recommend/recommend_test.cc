#include "recommend/recommend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/date.h"
#include "profile/profile.h"

namespace kneepoint::recommend {
namespace {

using curve::Target;
using metrics::Metric;
using metrics::Statistic;
using testing::HasSubstr;

const catalog::Catalog& shipped() {
  static const auto catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  return catalog;
}

/// A curve of five loads that saturates at `peak` output tokens/s; TTFT grows with the load.
profile::Profile made(std::string id, std::string accelerator, int count, double peak) {
  profile::Profile p;
  p.id = std::move(id);
  p.setup.model = "openai/gpt-oss-120b";
  p.setup.model_server = "vllm";
  p.setup.model_server_version = "0.11.0";
  p.setup.accelerator = std::move(accelerator);
  p.setup.accelerator_count = count;
  p.setup.decoding = "serving";
  p.workload = {"fixed:1000/1000", 1000, 1000, 1000, 1000};
  p.evidence = {profile::EvidenceKind::Published, "inferencex_via_aiconfigurator", "Apache-2.0"};
  for (const double load : {4.0, 8.0, 16.0, 32.0, 64.0}) {
    profile::Point point;
    point.at.load = load;
    point.at.output_tokens_per_second = peak * load / (load + 6);
    point.at.input_tokens_per_second = point.at.output_tokens_per_second;
    point.at.requests_per_second = point.at.output_tokens_per_second / 1000;
    point.at.latency.set(Metric::Ttft, Statistic::Mean, 50 + 10 * load);
    point.measured_on = "2026-05-01";
    p.points.push_back(point);
  }
  return p;
}

Request request() {
  Request out;
  out.pricing.today = *parse_date("2026-11-21");
  return out;
}

TEST(Recommend, RanksByCostPerOutputToken) {
  const std::vector profiles{made("slow", "nvidia-h100-80gb", 8, 2000),
                             made("fast", "nvidia-h100-80gb", 8, 8000),
                             made("dear", "nvidia-h100-80gb", 1, 900)};
  const auto ranking = profile::ranking_of(profiles);
  const auto out = recommend(shipped(), ranking.rows(), request());
  ASSERT_EQ(out.ranked.size(), 3U);
  EXPECT_EQ(out.ranked[0].profile->id, "fast");
  EXPECT_EQ(out.ranked[1].profile->id, "dear");
  EXPECT_EQ(out.ranked[2].profile->id, "slow");
  for (const Choice& c : out.ranked) {
    const auto& point = c.operating_point.point;
    EXPECT_DOUBLE_EQ(c.cost->output,
                     c.quote->usd_per_hour / 3600 * 1e6 /
                         (point.input_tokens_per_second / 4 + point.output_tokens_per_second));
    EXPECT_DOUBLE_EQ(c.cost->input, c.cost->output / 4);
  }
}

TEST(Recommend, SaysTheBestReachableValueOfAMissedTarget) {
  const std::vector profiles{made("a", "nvidia-h100-80gb", 8, 2000)};
  const auto ranking = profile::ranking_of(profiles);
  Request wants = request();
  wants.targets.push_back({Metric::Ttft, Statistic::P50, 60});
  const auto out = recommend(shipped(), ranking.rows(), wants);
  ASSERT_EQ(out.rejected.size(), 1U);
  EXPECT_EQ(code(out.rejected[0].reason), "misses_target");
  EXPECT_THAT(out.rejected[0].sentence, HasSubstr("90 ms"));
  ASSERT_EQ(out.ranges.size(), 1U);
  EXPECT_EQ(out.ranges[0].min_ms, 90);
}

TEST(Recommend, AMissingPercentileIsRefusedExactlyAndMarkedWhenClosest) {
  const std::vector profiles{made("a", "nvidia-h100-80gb", 8, 2000)};
  const auto ranking = profile::ranking_of(profiles);
  Request wants = request();
  wants.targets.push_back({Metric::Ttft, Statistic::P50, 200});
  const auto closest = recommend(shipped(), ranking.rows(), wants);
  ASSERT_EQ(closest.ranked.size(), 1U);
  EXPECT_THAT(reasons(closest.ranked[0], wants),
              testing::Contains("p50 TTFT was not published: mean used"));
  EXPECT_THAT(evidence_sentence(shipped(), closest.ranked[0]), HasSubstr("mean TTFT for p50"));
  wants.statistic_rule = curve::StatisticRule::Exact;
  const auto exact = recommend(shipped(), ranking.rows(), wants);
  ASSERT_EQ(exact.rejected.size(), 1U);
  EXPECT_EQ(code(exact.rejected[0].reason), "statistic_missing");
}

TEST(Recommend, ReplicasCoverLoadHeadroomAndTheLossOfOne) {
  const std::vector profiles{made("a", "nvidia-h100-80gb", 8, 10'000)};
  const auto ranking = profile::ranking_of(profiles);
  Request wants = request();
  wants.expected_requests_per_second = 20;
  const auto out = recommend(shipped(), ranking.rows(), wants);
  const Choice& choice = out.ranked.at(0);
  const double rate = choice.operating_point.point.requests_per_second;
  EXPECT_EQ(choice.replicas, static_cast<int>(std::ceil(20 / (rate * 0.8))));
  EXPECT_GE(choice.replicas * rate * 0.8, 20);
  EXPECT_LT((choice.replicas - 1) * rate * 0.8, 20);
  EXPECT_DOUBLE_EQ(*choice.fleet_usd_per_hour, choice.replicas * choice.quote->usd_per_hour);
  wants.min_available = true;
  EXPECT_EQ(recommend(shipped(), ranking.rows(), wants).ranked.at(0).replicas, choice.replicas + 1);
}

TEST(Recommend, AFleetForShorterRequestsIsSizedByTokensAndSaysSo) {
  const std::vector profiles{made("a", "nvidia-h100-80gb", 8, 10'000)};  // 1000/1000 tokens
  const auto ranking = profile::ranking_of(profiles);
  Request wants = request();
  wants.expected_requests_per_second = 100;
  wants.input_tokens = 200;
  wants.output_tokens = 200;
  const auto out = recommend(shipped(), ranking.rows(), wants);
  const Choice& choice = out.ranked.at(0);
  EXPECT_DOUBLE_EQ(choice.request_scale, 5);
  EXPECT_DOUBLE_EQ(choice.usable_requests_per_second,
                   5 * 0.8 * choice.operating_point.point.requests_per_second);
  EXPECT_THAT(reasons(choice, wants), testing::Contains(HasSubstr("estimate by tokens")));
  wants.input_tokens = 900;
  wants.output_tokens = 1100;
  EXPECT_EQ(recommend(shipped(), ranking.rows(), wants).ranked.at(0).request_scale, 1);
}

TEST(Recommend, UnpricedProfilesStandInABlockOfTheirOwn) {
  const std::vector profiles{made("b1", "nvidia-b200", 8, 9000), made("b2", "nvidia-b200", 4, 9000),
                             made("h", "nvidia-h100-80gb", 8, 100)};
  const auto ranking = profile::ranking_of(profiles);
  const auto out = recommend(shipped(), ranking.rows(), request());
  ASSERT_EQ(out.ranked.size(), 1U);
  ASSERT_EQ(out.unpriced.size(), 2U);
  EXPECT_EQ(out.unpriced[0].profile->id, "b2");  // more per accelerator
  EXPECT_FALSE(out.unpriced[0].cost);
  EXPECT_THAT(out.unpriced[0].no_cost, HasSubstr("no on-demand price for 4 x nvidia-b200"));
}

TEST(Recommend, ABudgetLeavesOutWhatIsDearerAndWhatHasNoPrice) {
  const std::vector profiles{made("b", "nvidia-b200", 8, 9000),
                             made("h", "nvidia-h100-80gb", 8, 100)};
  const auto ranking = profile::ranking_of(profiles);
  Request wants = request();
  wants.max_usd_per_million_output = 1;
  const auto out = recommend(shipped(), ranking.rows(), wants);
  EXPECT_TRUE(out.ranked.empty());
  EXPECT_TRUE(out.unpriced.empty());
  ASSERT_EQ(out.rejected.size(), 2U);
  EXPECT_EQ(code(out.rejected[0].reason), "no_price");
  EXPECT_EQ(code(out.rejected[1].reason), "over_budget");
}

TEST(Recommend, TheNearestMeasuredWorkloadCountsAndIsNamed) {
  auto chat = made("chat", "nvidia-h100-80gb", 8, 100);
  auto longer = made("long", "nvidia-h100-80gb", 8, 9000);
  longer.workload = {"fixed:8000/1000", 8000, 1000, 8000, 1000};
  const std::vector profiles{chat, longer};
  const auto ranking = profile::ranking_of(profiles);
  Request wants = request();
  wants.input_tokens = 800;
  wants.output_tokens = 900;
  const auto out = recommend(shipped(), ranking.rows(), wants);
  ASSERT_EQ(out.ranked.size(), 1U);
  EXPECT_EQ(out.ranked[0].profile->id, "chat");
  ASSERT_EQ(out.notes.size(), 1U);
  EXPECT_THAT(out.notes[0], HasSubstr("fixed:1000/1000 (1000/1000 tokens)"));
  wants.input_tokens = wants.output_tokens = 1000;
  EXPECT_TRUE(recommend(shipped(), ranking.rows(), wants).notes.empty());  // just that was measured
}

TEST(Recommend, ABurstIsNoSteadyState) {
  auto burst = made("burst", "nvidia-h100-80gb", 8, 100);
  burst.load_kind = curve::LoadKind::Burst;
  const std::vector profiles{burst};
  const auto ranking = profile::ranking_of(profiles);
  const auto out = recommend(shipped(), ranking.rows(), request());
  ASSERT_EQ(out.rejected.size(), 1U);
  EXPECT_EQ(code(out.rejected[0].reason), "no_data");
}

TEST(WithoutProfiles, EveryOtherAcceleratorHasAReason) {
  const std::vector profiles{made("h", "nvidia-h100-80gb", 8, 100)};
  const auto ranking = profile::ranking_of(profiles);
  const auto out =
      without_profiles(shipped(), "meta-llama/Llama-3.1-405B-Instruct", ranking.rows());
  EXPECT_EQ(out.size() + 1, shipped().accelerators().size());
  for (const Rejected& r : out) {
    if (r.accelerator == "nvidia-l4") {
      EXPECT_EQ(code(r.reason), "does_not_fit");
      EXPECT_THAT(r.sentence, HasSubstr("GiB"));
    }
    if (r.accelerator == "nvidia-b200") {
      EXPECT_EQ(code(r.reason), "no_data");
    }
  }
  for (const Rejected& r : without_profiles(shipped(), "Qwen/Qwen3.5-27B", ranking.rows())) {
    EXPECT_EQ(code(r.reason), "unknown_size") << r.accelerator;
  }
}

}  // namespace
}  // namespace kneepoint::recommend
