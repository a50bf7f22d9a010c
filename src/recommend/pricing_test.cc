#include "recommend/pricing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/date.h"

namespace kneepoint::recommend {
namespace {

using catalog::PricingModel;
using testing::HasSubstr;

const catalog::Catalog& shipped() {
  static const auto catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  return catalog;
}

PricingRules rules() {
  PricingRules out;
  out.today = *parse_date("2026-11-21");
  return out;
}

TEST(Pricing, AReplicaPaysItsShareOfTheMachineItPacksInto) {
  Pricer pricer(shipped(), rules());
  // A3 High with one GPU cannot be bought on demand, so the eight-GPU machine is shared.
  const auto& one = pricer.quote("nvidia-h100-80gb", 1);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->machine_type, "a3-highgpu-8g");
  EXPECT_EQ(one->region, "us-central1");
  EXPECT_FALSE(one->region_substituted);
  EXPECT_DOUBLE_EQ(one->usd_per_hour, 88.49 / 8);
  // Three GPUs a replica: two replicas fit, each pays half.
  EXPECT_DOUBLE_EQ(pricer.quote("nvidia-h100-80gb", 3)->usd_per_hour, 88.49 / 2);
  // Sixteen span two machines.
  EXPECT_DOUBLE_EQ(pricer.quote("nvidia-h100-80gb", 16)->usd_per_hour, 88.49 * 2);
}

TEST(Pricing, SpotUsesTheSmallMachinesOnDemandCannot) {
  PricingRules spot = rules();
  spot.model = PricingModel::Spot;
  const auto quote = Pricer(shipped(), spot).quote("nvidia-h100-80gb", 1);
  ASSERT_TRUE(quote);
  EXPECT_DOUBLE_EQ(quote->usd_per_hour, 35.592 / 8);  // the cheapest share
}

TEST(Pricing, WholeMachineTakesTheSmallestRentableOne) {
  PricingRules whole = rules();
  whole.whole_machine = true;
  EXPECT_DOUBLE_EQ(Pricer(shipped(), whole).quote("nvidia-h100-80gb", 1)->usd_per_hour, 88.49);
  whole.model = PricingModel::Spot;
  const auto spot = Pricer(shipped(), whole).quote("nvidia-h100-80gb", 1);
  EXPECT_EQ(spot->machine_type, "a3-highgpu-1g");
  EXPECT_DOUBLE_EQ(spot->usd_per_hour, 6.571);  // the newest statement of that price
}

TEST(Pricing, TheNearestPricedRegionIsUsedAndNamed) {
  // Nothing of A2 Ultra is priced in us-east5; us-central1 is.
  const auto quote = Pricer(shipped(), rules()).quote("nvidia-a100-80gb", 1);
  ASSERT_TRUE(quote);
  EXPECT_TRUE(quote->region_substituted);
  EXPECT_EQ(quote->wanted_region, "us-east5");
  EXPECT_EQ(quote->region, "us-central1");
  EXPECT_NEAR(quote->usd_per_hour, 5.068795, 1e-6);
}

TEST(Pricing, AComponentPriceIsNoPrice) {
  // Of T4 only the GPU is priced, its host is not.
  const auto quote = Pricer(shipped(), rules()).quote("nvidia-tesla-t4", 1);
  ASSERT_FALSE(quote);
  EXPECT_THAT(quote.error().sentence, HasSubstr("no on-demand price"));
}

TEST(Pricing, ChipHoursIncludeTheHost) {
  const auto quote = Pricer(shipped(), rules()).quote("tpu-v6e-slice", 4);
  ASSERT_TRUE(quote);
  EXPECT_DOUBLE_EQ(quote->usd_per_hour, 4 * 2.70);
  EXPECT_EQ(quote->region, "us-east5");
}

TEST(Pricing, AnExplicitRegionIsNeverReplaced) {
  PricingRules dutch = rules();
  dutch.region = "europe-west4";
  EXPECT_DOUBLE_EQ(Pricer(shipped(), dutch).quote("nvidia-h100-80gb", 8)->usd_per_hour, 112.539726);
  dutch.region = "mars-north1";
  const auto none = Pricer(shipped(), dutch).quote("nvidia-h100-80gb", 8);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().sentence, HasSubstr("mars-north1"));
  EXPECT_THAT(none.error().sentence, HasSubstr("gcp us-central1"));
}

TEST(Pricing, OtherProvidersCountWhenAsked) {
  PricingRules any = rules();
  any.provider = "any";
  const auto quote = Pricer(shipped(), any).quote("nvidia-h100-80gb", 1);
  EXPECT_EQ(quote->provider, "runpod");
  EXPECT_DOUBLE_EQ(quote->usd_per_hour, 2.69);
  EXPECT_FALSE(quote->stale);
  any.provider = "aws";
  EXPECT_DOUBLE_EQ(Pricer(shipped(), any).quote("nvidia-h100-80gb", 1)->usd_per_hour, 55.04 / 8);
}

TEST(Pricing, OldAndUndatedPricesAreStale) {
  EXPECT_TRUE(Pricer(shipped(), rules()).quote("nvidia-h100-80gb", 8)->stale);  // undated
  EXPECT_FALSE(Pricer(shipped(), rules()).quote("nvidia-h200-141gb", 8)->stale);
  PricingRules later = rules();
  later.today = *parse_date("2027-02-01");
  EXPECT_TRUE(Pricer(shipped(), later).quote("nvidia-h200-141gb", 8)->stale);
}

TEST(Pricing, AUsersPriceReplacesTheShippedOnes) {
  std::string folder = testing::TempDir() + "kp_price_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/prices.csv")
      << "provider,region,item,unit,on_demand\ngcp,us-central1,a3-highgpu-8g,vm_hour,40\n"
         "cellar,home,nvidia-b200,gpu_hour,1.5\n";
  const std::vector<catalog::Overlay> overlays{{folder, folder}};
  const auto mine = catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", overlays).value();
  Pricer pricer(mine, rules());
  EXPECT_DOUBLE_EQ(pricer.quote("nvidia-h100-80gb", 8)->usd_per_hour, 40);
  EXPECT_FALSE(pricer.quote("nvidia-h100-80gb", 8)->stale);
  PricingRules any = rules();
  any.provider = "cellar";
  EXPECT_DOUBLE_EQ(Pricer(mine, any).quote("nvidia-b200", 8)->usd_per_hour, 12);
  std::filesystem::remove_all(folder);
}

TEST(TokenCost, FollowsThePublishedFormula) {
  // $3.60/h = $0.001/s; 400 input and 900 output tokens/s at ratio 4: 1000 weighted tokens/s.
  const auto cost = token_cost(3.6, 400, 900, 4);
  EXPECT_DOUBLE_EQ(cost.output, 1.0);
  EXPECT_DOUBLE_EQ(cost.input, 0.25);
}

}  // namespace
}  // namespace kneepoint::recommend
