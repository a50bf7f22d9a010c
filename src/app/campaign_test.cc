#include "app/campaign.h"

#include <gtest/gtest.h>

namespace kneepoint::app {
namespace {

CampaignAsk some_ask() {
  CampaignAsk ask;
  ask.target.url = "https://gate.example/llm";
  ask.target.model = "org/m";
  ask.target.api = loadgen::Api::Chat;
  ask.target.token_env = "KEY";
  ask.target.token = "hush";
  ask.target.header_file = "fields.txt";
  ask.target.ca_file = "/etc/ca.pem";
  ask.target.verify = false;
  ask.target.patience.silence = std::chrono::milliseconds(1500);
  ask.options.confident_within = 0.02;
  ask.options.time_cap = std::chrono::seconds(30);
  ask.options.bounds = {{metrics::Metric::Ttft, std::chrono::milliseconds(200)}};
  ask.setup.model = "org/m";
  ask.setup.accelerator = "nvidia-l4";
  ask.setup.accelerator_count = 2;
  ask.scrape = false;
  ask.keep_profile = true;
  return ask;
}

workload::RunSpec some_spec() {
  workload::RunSpec spec;
  spec.lengths.input.first = 100;
  spec.lengths.output.first = 10;
  spec.in_flight = 4;
  spec.requests = 50;
  spec.seed = 9;
  return spec;
}

TEST(CampaignHeader, HoldsAllOfASweepButItsSecrets) {
  CampaignAsk ask = some_ask();
  ask.sweep = SweepAsk{.limits = {.kind = curve::LoadKind::RequestRate,
                                  .lowest = 0.5,
                                  .highest = 64,
                                  .precision = 1.2,
                                  .most_points = 12},
                       .lowest_given = true,
                       .spec = some_spec()};
  const json::Value header = to_json(ask);
  EXPECT_EQ(json::to_text(header).find("hush"), std::string::npos);
  const auto read = campaign_from_json(header);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->target.token, "");
  EXPECT_EQ(read->target.token_env, "KEY");
  ASSERT_TRUE(read->sweep);
  EXPECT_EQ(read->sweep->limits.highest, 64);
  EXPECT_TRUE(read->sweep->lowest_given);
  EXPECT_EQ(json::to_text(to_json(*read)), json::to_text(header));
}

TEST(CampaignHeader, HoldsAListOfLoads) {
  CampaignAsk ask = some_ask();
  ask.points = {some_spec(), some_spec()};
  ask.points[1].in_flight = 8;
  const auto read = campaign_from_json(to_json(ask));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->sweep);
  ASSERT_EQ(read->points.size(), 2U);
  EXPECT_EQ(read->points[1].in_flight, 8);
  EXPECT_EQ(read->points[1].seed, 9U);
  EXPECT_TRUE(read->keep_profile);
}

TEST(CampaignHeader, NamesFilesByTheirWholePaths) {
  CampaignAsk ask = some_ask();
  ask.points = {some_spec()};
  const auto read = campaign_from_json(to_json(ask));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->target.header_file, (std::filesystem::current_path() / "fields.txt").string());
  EXPECT_EQ(read->target.ca_file, "/etc/ca.pem");
  EXPECT_EQ(read->target.key_file, "");
}

TEST(CampaignHeader, OfALaterFormatIsRefused) {
  CampaignAsk ask = some_ask();
  ask.points = {some_spec()};
  json::Value header = to_json(ask);
  header.as_object()["schema"] = "kneepoint.campaign.v9";
  const auto read = campaign_from_json(header);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::Incompatible);
  EXPECT_NE(read.error().message.find("v9"), std::string::npos);
}

TEST(CampaignHeader, WithoutALoadOrWithAnOddMemberIsRefused) {
  EXPECT_FALSE(campaign_from_json(to_json(some_ask())));
  CampaignAsk ask = some_ask();
  ask.points = {some_spec()};
  json::Value header = to_json(ask);
  header.as_object()["target"].as_object()["verify"] = "maybe";
  const auto read = campaign_from_json(header);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("verify"), std::string::npos);
}

}  // namespace
}  // namespace kneepoint::app
