#include "verbs/gkerecommender.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "store/store.h"
#include "verbs/canonical.h"
#include "verbs/paging.h"
#include "verbs/testing/shipped_session.h"

namespace kneepoint::verbs {
namespace {

using ::testing::HasSubstr;

Result<json::Object> ask(Handler handler, std::string_view body) {
  auto parsed = json::parse(body);
  EXPECT_TRUE(parsed) << body;
  auto asked = canonical(std::move(*parsed));
  if (!asked) return fail(asked.error());
  Call call{*shipped_session(), std::move(*asked), {}};
  auto out = handler(call);
  if (!out) return fail(out.error());
  return out->as_object();
}
json::Object must(Handler handler, std::string_view body) {
  auto out = ask(handler, body);
  EXPECT_TRUE(out) << out.error().message;
  return out.value_or(json::Object());
}
std::string refused(Handler handler, std::string_view body) {
  auto out = ask(handler, body);
  EXPECT_FALSE(out) << body << " went well, but must not";
  return out ? "" : out.error().message;
}
std::string text_of(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

constexpr const char* kModel = R"("model": "openai/gpt-oss-120b")";

TEST(FetchProfiles, GivesEveryProfileWhatItsClientsIndex) {
  const auto out = must(fetch_profiles, fmt::format("{{{}}}", kModel));
  const auto& profiles = out.at("profile").as_array();
  ASSERT_GT(profiles.size(), 10u);
  for (const json::Value& one : profiles) {
    const auto& p = one.as_object();
    EXPECT_EQ(text_of(p.at("modelServerInfo").as_object(), "model"), "openai/gpt-oss-120b");
    EXPECT_NE(text_of(p, "acceleratorType"), "");
    EXPECT_NE(text_of(p, "instanceType"), "");
    EXPECT_TRUE(p.at("workloadSpec").is_object());
    EXPECT_FALSE(p.contains("kneepoint"));
    EXPECT_NE(text_of(p.at("kneepointEvidence").as_object(), "sentence"), "");
    ASSERT_EQ(p.at("performanceStats").as_array().size(), 1u);
    for (const auto& stat : p.at("performanceStats").as_array()[0].as_object()) {
      if (stat.value().is_int64()) {
        EXPECT_GT(stat.value().get_int64(), 0) << stat.key();
      }
      if (stat.key() != "cost") continue;
      const auto& cost = stat.value().as_array()[0].as_object();
      EXPECT_EQ(text_of(cost, "pricingModel"), "spot");
      for (const char* way : {"costPerMillionInputTokens", "costPerMillionOutputTokens"}) {
        EXPECT_TRUE(cost.at(way).as_object().at("nanos").is_int64());
        EXPECT_TRUE(cost.at(way).as_object().at("units").is_string());
      }
    }
  }
  EXPECT_THAT(text_of(out, "comments"), HasSubstr("prices: spot (default) at gcp"));
  EXPECT_THAT(text_of(out, "comments"), HasSubstr("evidence: "));
  EXPECT_TRUE(out.at("performanceRange").as_object().contains("ntpotRange"));
  EXPECT_FALSE(out.contains("nextPageToken"));
}

TEST(FetchProfiles, WithoutAPageSizeIsWholeUpToFourMebibytesAndThenGoesOn) {
  std::size_t seen = 0, pages = 0;
  std::string token;
  do {
    const auto page = must(fetch_profiles, fmt::format(R"({{"page_token": "{}"}})", token));
    const std::size_t bytes = json::to_line(page).size();
    EXPECT_LE(bytes, kLargestAnswer);
    seen += page.at("profile").as_array().size();
    token = text_of(page, "nextPageToken");
    if (!token.empty()) {
      EXPECT_GT(bytes, kLargestAnswer * 19 / 20) << "room was left";
      EXPECT_THAT(text_of(page, "comments"), HasSubstr("giving model, model_server"));
    }
    ++pages;
  } while (!token.empty());
  EXPECT_GE(pages, 2u);
  EXPECT_GT(seen, 7000u);
}

TEST(FetchProfiles, OfSomeSizeFollowOneAnother) {
  const std::string all = json::to_line(
      must(fetch_profiles, fmt::format("{{{}, \"pageSize\": 0}}", kModel)).at("profile"));
  json::Array joined;
  std::string token;
  do {
    auto page = must(fetch_profiles,
                     fmt::format(R"({{{}, "pageSize": 7, "pageToken": "{}"}})", kModel, token));
    EXPECT_LE(page.at("profile").as_array().size(), 7u);
    for (auto& one : page.at("profile").as_array()) joined.push_back(one);
    token = text_of(page, "nextPageToken");
  } while (!token.empty());
  EXPECT_EQ(json::to_line(joined), all);
}

TEST(FetchProfiles, TokensBelongToOneAsk) {
  const auto page = must(fetch_profiles, fmt::format("{{{}, \"pageSize\": 1}}", kModel));
  const std::string token = text_of(page, "nextPageToken");
  EXPECT_TRUE(ask(fetch_profiles,
                  fmt::format(R"({{{}, "pageSize": 5, "pageToken": "{}"}})", kModel, token)));
  EXPECT_THAT(refused(fetch_profiles, fmt::format(R"({{"pageToken": "{}"}})", token)),
              HasSubstr("of another request"));
  for (const std::string& bad : {std::string("x"), std::string(64, '0'), token + "0",
                                 std::string("Mg=="), token.substr(1)}) {
    EXPECT_THAT(refused(fetch_profiles, fmt::format(R"({{{}, "pageToken": "{}"}})", kModel, bad)),
                HasSubstr("no token of this service"))
        << bad;
  }
}

TEST(FetchProfiles, TokensEndWithTheStateOfTheStore) {
  const auto page = must(fetch_profiles, fmt::format("{{{}, \"pageSize\": 1}}", kModel));
  auto store = (*shipped_session()).store();
  ASSERT_TRUE(store && (*store)->remove("no such id"));
  EXPECT_THAT(refused(fetch_profiles, fmt::format(R"({{{}, "pageToken": "{}"}})", kModel,
                                                  text_of(page, "nextPageToken"))),
              HasSubstr("the profiles have changed since"));
}

TEST(FetchProfiles, ReadsTheNotebooksBody) {
  // Both spellings, nulls, an empty text, and a limit of 0.9 dollars in nanos.
  const auto out = must(fetch_profiles, R"({"model": "openai/gpt-oss-120b", "modelServer": "vllm",
    "model_server_version": "", "performance_requirements": {"target_ntpot_milliseconds": null,
    "targetTtftMilliseconds": null, "target_cost": {"cost_per_million_output_tokens":
    {"nanos": 900000000}, "cost_per_million_input_tokens": null, "pricing_model": "on-demand"}}})");
  ASSERT_FALSE(out.at("profile").as_array().empty());
  for (const auto& p : out.at("profile").as_array()) {
    const auto& cost = p.as_object().at("performanceStats").as_array()[0].as_object().at("cost");
    const auto& output =
        cost.as_array()[0].as_object().at("costPerMillionOutputTokens").as_object();
    EXPECT_EQ(text_of(output, "units"), "0");
    EXPECT_LE(output.at("nanos").as_int64(), 900000000);
  }
  // Beyond the documented range of nanos, and beyond int32.
  EXPECT_FALSE(must(fetch_profiles, R"({"model": "openai/gpt-oss-120b", "performanceRequirements":
    {"targetCost": {"costPerMillionOutputTokens": {"nanos": 2200000000}}}})")
                   .at("profile")
                   .as_array()
                   .empty());
}

TEST(FetchProfiles, HoldsTargetsAndTellsWhatIsReachable) {
  const auto some = must(fetch_profiles, fmt::format(R"({{{}, "performanceRequirements":
      {{"targetItlMilliseconds": 20}}}})",
                                                     kModel));
  ASSERT_FALSE(some.at("profile").as_array().empty());
  for (const auto& p : some.at("profile").as_array()) {
    const auto& stats = p.as_object().at("performanceStats").as_array()[0].as_object();
    EXPECT_LE(stats.at("itlMilliseconds").as_int64(), 20);
  }
  const auto none = must(fetch_profiles, fmt::format(R"({{{}, "performanceRequirements":
      {{"targetNtpotMilliseconds": "1"}}}})",
                                                     kModel));
  EXPECT_TRUE(none.at("profile").as_array().empty());
  EXPECT_THAT(text_of(none, "comments"), HasSubstr("reachable NTPOT"));
}

/// NaN where it is missing, which no expectation holds.
double number(const json::Object& object, std::string_view key) {
  const json::Value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return metrics::kMissing;
  return value->to_number<double>();
}

TEST(FetchProfiles, DescribeTheModelAndItsMachine) {
  constexpr const char* kLlama = "meta-llama/Llama-3.1-8B-Instruct";
  const auto out = must(fetch_profiles, fmt::format(R"({{"model": "{}"}})", kLlama));
  const auto& ranges = out.at("performanceRange").as_object();
  std::size_t with_rates = 0;
  for (const auto& p : out.at("profile").as_array()) {
    ASSERT_TRUE(p.as_object().contains("modelInfo"));
    const auto& info = p.as_object().at("modelInfo").as_object();
    EXPECT_EQ(number(info, "hiddenLayersCount"), 32);
    EXPECT_EQ(number(info, "attentionHeadsCount"), 32);
    EXPECT_EQ(number(info, "kvHeadsCount"), 8);
    EXPECT_EQ(number(info, "headDimensions"), 128);
    EXPECT_EQ(number(info, "maxContextLength"), 131072);
    EXPECT_NEAR(number(info, "parametersBillionsCount"), 8.03, 0.01);
    // Keys and values of 8 heads of 128 in 32 layers, in two bytes, or in one.
    const double cache = number(info, "kvCacheSizePerToken");
    EXPECT_TRUE(cache == 2 * 8 * 128 * 32 * 2 || cache == 2 * 8 * 128 * 32) << cache;
    EXPECT_GT(number(info, "modelSizeGb"), 4);
    EXPECT_LT(number(info, "modelSizeGb"), 16.1);
    const auto& stats = p.as_object().at("performanceStats").as_array()[0].as_object();
    if (!stats.contains("totalTokensPerSecond")) continue;  // nobody published them
    ++with_rates;
    for (const auto& [rate, of] : {std::pair("inputTokensPerSecond", "throughputInputRange"),
                                   {"outputTokensPerSecond", "throughputOutputRange"},
                                   {"totalTokensPerSecond", "throughputRange"}}) {
      ASSERT_TRUE(ranges.contains(of)) << of;
      EXPECT_LE(number(stats, rate), number(ranges.at(of).as_object(), "max"));
      EXPECT_GE(number(stats, rate), number(ranges.at(of).as_object(), "min"));
    }
  }
  EXPECT_GT(with_rates, 0u);
  bool tpu = false;
  const auto of_tpu = must(fetch_profiles, R"({"model": "Qwen/Qwen3-32B"})");
  for (const auto& p : of_tpu.at("profile").as_array()) {
    const std::string topology = text_of(p.as_object(), "tpuTopology");
    const bool on_tpu = text_of(p.as_object(), "acceleratorType").starts_with("tpu");
    EXPECT_TRUE(topology.empty() || on_tpu) << text_of(p.as_object(), "instanceType");
    tpu = tpu || !topology.empty();
  }
  EXPECT_TRUE(tpu) << "one of them runs on TPUs that make a slice";
}

TEST(FetchProfiles, SaysWhichFieldIsWrong) {
  EXPECT_THAT(refused(fetch_profiles, R"({"performanceRequirements": {"targetTTFT": 3}})"),
              HasSubstr("performanceRequirements.targetTTFT: unknown field; did you mean "
                        "targetTtftMilliseconds?"));
  EXPECT_THAT(refused(fetch_profiles, R"({"performanceRequirements":
      {"targetCost": {"pricingModel": "cheap"}}})"),
              HasSubstr("performanceRequirements.targetCost.pricingModel: unknown pricing model"));
  EXPECT_THAT(refused(fetch_profiles, R"({"workloadSpec": {"averageInputLength": 100}})"),
              HasSubstr("workloadSpec.averageOutputLength: lengths are asked for together"));
  EXPECT_THAT(refused(fetch_profiles, R"({"pageSize": -1})"), HasSubstr("pageSize: must lie"));
  EXPECT_THAT(refused(fetch_profiles, R"({"model": "openai/gpt-oss-121b"})"),
              HasSubstr("did you mean"));
}

TEST(FetchNames, AreListsEvenWhereThereIsNothing) {
  EXPECT_GT(must(fetch_models, "{}").at("models").as_array().size(), 10u);
  EXPECT_EQ(must(fetch_models, R"({"pageSize": "2"})").at("models").as_array().size(), 2u);
  EXPECT_FALSE(must(fetch_model_servers, fmt::format("{{{}}}", kModel))
                   .at("modelServers")
                   .as_array()
                   .empty());
  EXPECT_TRUE(
      must(fetch_model_server_versions, fmt::format(R"({{{}, "modelServer": "none"}})", kModel))
          .at("modelServerVersions")
          .as_array()
          .empty());
  EXPECT_EQ(refused(fetch_model_servers, "{}"), "model: is required");
  EXPECT_TRUE(must(fetch_serving_stacks, "{}").at("servingStacks").is_array());
  EXPECT_TRUE(must(fetch_serving_stack_versions, R"({"servingStack": "none"})")
                  .at("servingStackVersions")
                  .is_array());
  EXPECT_GE(must(fetch_use_cases, "{}").at("workloadSpecs").as_array().size(), 6u);
}

TEST(FetchBenchmarkingData, GivesEveryLoadPoint) {
  const auto out = must(fetch_benchmarking_data, fmt::format(R"({{"model_server_info": {{{},
      "modelServer": "vllm", "modelServerVersion": ""}}, "pricingModel": "on-demand"}})",
                                                             kModel));
  std::size_t points = 0;
  for (const auto& p : out.at("profile").as_array()) {
    points += p.as_object().at("performanceStats").as_array().size();
    EXPECT_NE(text_of(p.as_object(), "instanceType"), "");
    EXPECT_TRUE(p.as_object().at("modelInfo").as_object().contains("kvCacheSizePerToken"));
  }
  EXPECT_GT(points, out.at("profile").as_array().size());
  EXPECT_THAT(refused(fetch_benchmarking_data, R"({"modelServerInfo": {"model": "m"}})"),
              HasSubstr("modelServerInfo.modelServer: is required"));
  EXPECT_THAT(refused(fetch_benchmarking_data, fmt::format(R"({{"modelServerInfo": {{{},
      "modelServer": "vllm"}}, "instanceType": "a3-highgpu-9g"}})",
                                                           kModel)),
              HasSubstr("did you mean a3-highgpu"));
}

TEST(GenerateOptimizedManifest, GivesObjectsCommentsAndAVersion) {
  const auto out = must(generate_optimized_manifest, fmt::format(R"({{"modelServerInfo": {{{},
      "modelServer": "vllm"}}, "acceleratorType": "nvidia-h100-80gb",
      "kubernetesNamespace": "models", "performanceRequirements": {{"targetNtpotMilliseconds": 50}}}})",
                                                                 kModel));
  const auto& objects = out.at("kubernetesManifests").as_array();
  ASSERT_GT(objects.size(), 1u);
  bool deployment = false;
  for (const auto& object : objects) {
    const std::string content = text_of(object.as_object(), "content");
    EXPECT_THAT(content, HasSubstr("kind: " + text_of(object.as_object(), "kind")));
    EXPECT_THAT(content, HasSubstr("namespace: models"));
    deployment = deployment || text_of(object.as_object(), "kind") == "Deployment";
  }
  EXPECT_TRUE(deployment);
  EXPECT_FALSE(out.at("comments").as_array().empty());
  EXPECT_NE(text_of(out, "manifestVersion"), "");
  EXPECT_EQ(refused(generate_optimized_manifest, "{}"), "modelServerInfo.model: is required");
}

TEST(GkeRecommender, HasEveryMethodOfItsClients) {
  std::vector<std::string> paths;
  for (const Verb& verb : gkerecommender()) {
    paths.push_back(std::string(verb.method) + " " + std::string(verb.path));
    EXPECT_NE(verb.handler, nullptr);
  }
  EXPECT_THAT(paths, ::testing::IsSupersetOf(
                         {"GET /v1/models:fetch", "GET /v1/modelServers:fetch",
                          "GET /v1/modelServerVersions:fetch", "POST /v1/profiles:fetch",
                          "POST /v1/benchmarkingData:fetch", "POST /v1/optimizedManifest:generate",
                          "POST /v1/useCases:fetch", "GET /v1/servingStacks:fetch",
                          "GET /v1/servingStackVersions:fetch",
                          "POST /v1:generateOptimizationSetManifest"}));
}

}  // namespace
}  // namespace kneepoint::verbs
