#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "base/file.h"
#include "verbs/verb.h"

namespace kneepoint::verbs {
namespace {

using testing::HasSubstr;

/// The shipped catalog and a store of its own, as a server has them.
class KneepointV1 : public testing::Test {
 protected:
  KneepointV1() {
    std::string name = std::filesystem::temp_directory_path() / "kp_verbs.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    app::Settings settings;
    settings.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
    settings.driver_folder = KP_BINARY_DIR;
    settings.user_folder = folder_ / "catalog";
    settings.runs_folder = folder_ / "runs";
    settings.store = store().string();
    settings.today = *parse_date("2026-11-21");
    settings.version = "1.2.3";
    session_ = std::move(*app::Session::open(settings));
  }
  ~KneepointV1() override {
    session_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// The shipped layers are loaded once; every test writes to a copy.
  std::filesystem::path store() {
    static const std::string filled = [] {
      std::string name = std::filesystem::temp_directory_path() / "kp_verbs_store.XXXXXX";
      const std::filesystem::path file = std::string(::mkdtemp(name.data())) + "/store.db";
      app::Settings settings;
      settings.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
      settings.driver_folder = KP_BINARY_DIR;
      settings.store = file.string();
      auto session = std::move(*app::Session::open(settings));
      EXPECT_TRUE(session->store());
      return file.string();
    }();
    const auto own = folder_ / "store.db";
    std::filesystem::copy_file(filled, own);
    return own;
  }

  static const Verb& verb(std::string_view name) {
    for (const Verb& one : kneepoint_v1()) {
      if (one.name == name) return one;
    }
    throw std::runtime_error("no such verb");
  }
  Result<json::Value> ask(std::string_view name, std::string_view body = "{}") {
    Call call{*session_, json::parse(body)->as_object(), progress_};
    return verb(name).handler(call);
  }
  json::Object answer(std::string_view name, std::string_view body = "{}") {
    const auto got = ask(name, body);
    EXPECT_TRUE(got) << (got ? "" : got.error().message);
    return got ? got->as_object() : json::Object();
  }

  std::filesystem::path folder_;
  std::unique_ptr<app::Session> session_;
  std::function<bool(const json::Object&)> progress_;
};

constexpr const char* kRecommend =
    R"j({"model": "meta-llama/Llama-3.1-8B-Instruct", "useCase": "Chatbot (ShareGPT)",
        "targets": [{"metric": "ttft", "milliseconds": 1000}]})j";

/// No null and no empty text anywhere below.
void expect_pruned(const json::Value& value, const std::string& path) {
  EXPECT_FALSE(value.is_null()) << path;
  if (value.is_string()) {
    EXPECT_FALSE(value.get_string().empty()) << path;
  }
  if (value.is_object()) {
    for (const auto& [key, below] : value.get_object()) {
      expect_pruned(below, path + "." + std::string(key));
    }
  }
  if (value.is_array()) {
    for (const json::Value& below : value.get_array()) expect_pruned(below, path + " item");
  }
}

TEST_F(KneepointV1, EveryVerbHasItsOwnNameAndPlace) {
  std::set<std::string> names, places;
  for (const Verb& one : kneepoint_v1()) {
    EXPECT_TRUE(names.emplace(one.name).second) << one.name;
    EXPECT_TRUE(places.insert(std::string(one.method) + " " + std::string(one.path)).second);
    EXPECT_TRUE(one.path.starts_with("/kneepoint/v1/")) << one.path;
    EXPECT_NE(one.handler, nullptr) << one.name;
    EXPECT_TRUE(one.summary.ends_with(".")) << one.name;
    EXPECT_FALSE(one.cacheable && one.right != Right::Read) << one.name;
  }
}

TEST_F(KneepointV1, EveryVerbRefusesAFieldItDoesNotKnow) {
  for (const Verb& one : kneepoint_v1()) {
    if (one.path.find("deployments") != std::string_view::npos) continue;  // refused as such
    Call call{*session_, {{"noSuchField", 1}, {"model", "any"}, {"id", "x"}}, {}};
    const auto got = one.handler(call);
    ASSERT_FALSE(got) << one.name;
    EXPECT_EQ(got.error().code, ErrorCode::InvalidArgument) << one.name << got.error().message;
  }
}

TEST_F(KneepointV1, RecommendRanksWithReasonsAndEvidence) {
  const json::Object got = answer("Recommend", kRecommend);
  const json::Array& choices = got.at("choices").as_array();
  ASSERT_FALSE(choices.empty());
  EXPECT_GE(got.at("totalChoices").to_number<std::size_t>(), choices.size());
  double last = 0;
  for (const json::Value& one : choices) {
    const json::Object& own = one.at("kneepoint").as_object();
    EXPECT_FALSE(own.at("reasons").as_array().empty());
    EXPECT_FALSE(own.at("evidence").at("sentence").as_string().empty());
    EXPECT_FALSE(own.at("operatingPoint").at("latencyMilliseconds").as_object().empty());
    if (!own.contains("usdPerMillionOutputTokens")) continue;
    // Dollars per million tokens are what ranks; a prediction by the slow end of its band.
    if (own.at("evidence").at("kind").as_string() != "predicted") {
      const double usd = own.at("usdPerMillionOutputTokens").to_number<double>();
      EXPECT_GE(usd, last);
      last = usd;
    }
    EXPECT_NEAR(own.at("fleetUsdPerMonth").to_number<double>(),
                own.at("fleetUsdPerHour").to_number<double>() * 730, 0.01);
  }
  EXPECT_EQ(got.at("workload").at("averageInputLength").to_number<double>(), 226);
  EXPECT_EQ(got.at("assumptions").as_string(),
            "prices: on-demand (default) at gcp; targets on p50");
  expect_pruned(got, "");
}

TEST_F(KneepointV1, RecommendLimitsWhatItAnswersButCountsAll) {
  const json::Object all = answer("Recommend", kRecommend);
  json::Object few = json::parse(kRecommend)->as_object();
  few["limit"] = 1;
  few["rejectedLimit"] = 1;
  const json::Object got = answer("Recommend", json::to_line(few));
  EXPECT_EQ(got.at("choices").as_array().size(), 1u);
  EXPECT_LE(got.at("rejected").as_array().size(), 1u);
  EXPECT_EQ(got.at("totalChoices"), all.at("totalChoices"));
}

TEST_F(KneepointV1, RecommendOfATargetThatNothingMeetsSaysWhatIsInReach) {
  const json::Object got = answer("Recommend", R"({"model": "meta-llama/Llama-3.1-8B-Instruct",
                              "targets": [{"metric": "ttft", "milliseconds": 0.5}]})");
  EXPECT_TRUE(got.at("choices").as_array().empty());
  EXPECT_GT(got.at("reachable").at("ttft").at("minMilliseconds").to_number<double>(), 0.5);
  EXPECT_FALSE(got.at("rejected").as_array().empty());
}

TEST_F(KneepointV1, WrongFieldsAreNamedByTheirPath) {
  const auto wrong = [&](const char* body) {
    const auto got = ask("Recommend", body);
    EXPECT_FALSE(got) << body;
    return got ? std::string() : got.error().message;
  };
  EXPECT_THAT(wrong("{}"), HasSubstr("model: is required"));
  EXPECT_THAT(wrong(R"({"modle": "any"})"), HasSubstr("modle: no such field; did you mean model"));
  EXPECT_THAT(wrong(R"({"model": "any", "targets": [{"metric": "speed", "milliseconds": 1}]})"),
              HasSubstr("targets[0].metric: 'speed' is none of ttft"));
  EXPECT_THAT(wrong(R"({"model": "any", "targets": [{"metric": "ttft"}]})"),
              HasSubstr("targets[0].milliseconds"));
  EXPECT_THAT(wrong(R"({"model": "any", "pricing": {"region": "us-centarl1"}})"),
              HasSubstr("did you mean us-central1"));
  EXPECT_THAT(wrong(R"({"model": "any", "headroom": 7})"), HasSubstr("headroom"));
  EXPECT_THAT(wrong(R"({"model": "any", "targetInputLength": 7})"),
              HasSubstr("targetOutputLength"));
  const auto unknown = ask("Recommend", R"({"model": "meta-lama/Llama-3.1-8B-Instruct"})");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::NotFound);
}

TEST_F(KneepointV1, GetProfileHasTheWholeCurveWithEvidenceOfEveryPoint) {
  const json::Object ranked = answer("Recommend", kRecommend);
  const json::Value& id = ranked.at("choices").at(0).at("kneepoint").at("profile");
  const json::Object got =
      answer("GetProfile", json::to_line(json::Object{{"id", id}, {"ttftMilliseconds", "1000"}}));
  const json::Object& profile = got.at("profile").as_object();
  EXPECT_EQ(profile.at("id"), id);
  ASSERT_FALSE(profile.at("points").as_array().empty());
  for (const json::Value& point : profile.at("points").as_array()) {
    EXPECT_FALSE(point.at("evidence").at("sentence").as_string().empty());
    EXPECT_FALSE(point.at("latencyMilliseconds").as_object().empty());
  }
  EXPECT_TRUE(got.contains("choice"));
  expect_pruned(got, "");
  const auto missing = ask("GetProfile", R"({"id": "s-nothing"})");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
}

TEST_F(KneepointV1, CompareLaysCurvesOnOnePairOfAxes) {
  const json::Object ranked = answer("Recommend", kRecommend);
  json::Array ids;
  for (std::size_t i = 0; i < 2; ++i) {
    ids.push_back(ranked.at("choices").at(i).at("kneepoint").at("profile"));
  }
  json::Object body{{"ids", ids}, {"y", "tpot"}, {"statistic", "mean"}};
  const json::Object got = answer("CompareProfiles", json::to_line(body));
  EXPECT_EQ(got.at("y").at("unit").as_string(), "ms");
  ASSERT_EQ(got.at("curves").as_array().size(), 2u);
  for (const json::Value& curve : got.at("curves").as_array()) {
    for (const json::Value& point : curve.at("points").as_array()) {
      EXPECT_GT(point.at("x").to_number<double>(), 0);
      EXPECT_GT(point.at("y").to_number<double>(), 0);
    }
  }
  for (int i = 0; i < 3; ++i) ids.push_back(ids.front());
  EXPECT_FALSE(ask("CompareProfiles", json::to_line(json::Object{{"ids", ids}})));
}

TEST_F(KneepointV1, ModelsSayWhetherTheyWereMeasured) {
  const json::Object got = answer("ListModels", R"({"query": "llama 8b"})");
  ASSERT_FALSE(got.at("models").as_array().empty());
  for (const json::Value& one : got.at("models").as_array()) {
    const json::Object& counts = one.at("profiles").as_object();
    const auto some = [&](const char* kind) { return counts.at(kind).to_number<int>() > 0; };
    EXPECT_EQ(one.at("optimized").as_bool(), some("measured") || some("published"));
  }
  // Pages are the whole list, each model once.
  const auto all = answer("ListModels").at("totalSize").to_number<std::size_t>();
  std::set<std::string> seen;
  std::string token;
  do {
    const json::Object page =
        answer("ListModels", json::to_line(json::Object{{"pageSize", "50"}, {"pageToken", token}}));
    for (const json::Value& one : page.at("models").as_array()) {
      EXPECT_TRUE(seen.emplace(one.at("id").as_string()).second);
    }
    token = page.contains("nextPageToken") ? std::string(page.at("nextPageToken").as_string()) : "";
  } while (!token.empty());
  EXPECT_EQ(seen.size(), all);
}

TEST_F(KneepointV1, AnAddedModelIsThereAfterARefresh) {
  constexpr const char* kModel = R"({"id": "my-org/my-model", "config": {
      "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192,
      "num_attention_heads": 32, "num_hidden_layers": 16, "num_key_value_heads": 8,
      "head_dim": 64, "vocab_size": 128256, "torch_dtype": "bfloat16",
      "tie_word_embeddings": true, "max_position_embeddings": 131072}})";
  const std::string before = *session_->state();
  EXPECT_EQ(answer("AddModel", kModel).at("id").as_string(), "my-org/my-model");
  ASSERT_TRUE(*session_->refresh());
  EXPECT_FALSE(*session_->refresh());
  EXPECT_NE(*session_->state(), before);
  const json::Object got = answer("ListModels", R"({"query": "my-model"})");
  ASSERT_EQ(got.at("models").as_array().size(), 1u);
  EXPECT_EQ(got.at("models").at(0).at("layer").as_string(), "user");
}

TEST_F(KneepointV1, PricesOfOnesOwnCountAfterARefreshAndComeBackAsCsv) {
  const json::Object set =
      answer("SetPrices", R"({"prices": [{"provider": "gcp", "region": "us-central1",
        "item": "a3-highgpu-8g", "usdPerHour": {"on-demand": 12.5}}]})");
  EXPECT_EQ(set.at("added").to_number<int>(), 1);
  ASSERT_TRUE(*session_->refresh());
  const json::Object got =
      answer("ListPrices", R"({"item": "a3-highgpu-8g", "region": "us-central1", "own": true})");
  ASSERT_EQ(got.at("prices").as_array().size(), 1u);
  EXPECT_EQ(got.at("prices").at(0).at("usdPerHour").at("on-demand").to_number<double>(), 12.5);
  const json::Object csv = answer("ExportPrices", R"({"own": true})");
  const std::string text(csv.at("body").as_string());
  EXPECT_THAT(text, HasSubstr("gcp,us-central1,a3-highgpu-8g"));
  // What was exported can be put back.
  EXPECT_EQ(answer("SetPrices", json::to_line(json::Object{{"csv", text}}))
                .at("replaced")
                .to_number<int>(),
            1);
  EXPECT_FALSE(ask("SetPrices", R"({"prices": [{"provider": "gcp", "item": "x"}]})"));
  EXPECT_FALSE(ask("SetPrices", "{}"));
}

TEST_F(KneepointV1, ManifestsComeWithReasonsAndSortedCommands) {
  const json::Object got = answer(
      "CreateManifest", R"({"model": "meta-llama/Llama-3.1-8B-Instruct", "modelServer": "vllm",
        "acceleratorType": "nvidia-l4", "namespace": "chat",
        "pricing": {"provider": "gcp", "model": "on-demand"}})");
  EXPECT_EQ(got.at("objects").at(0).at("kind").as_string(), "Deployment");
  EXPECT_THAT(std::string(got.at("yaml").as_string()), HasSubstr("namespace: chat"));
  const json::Object& commands = got.at("commands").as_object();
  for (const char* kind : {"cluster", "prepare", "apply", "reach", "try"}) {
    EXPECT_FALSE(commands.at(kind).as_array().empty()) << kind;
  }
  ASSERT_FALSE(got.at("storage").as_array().empty());
  for (const json::Value& one : got.at("storage").as_array()) {
    EXPECT_FALSE(one.at("fetchEvidence").as_string().empty());
  }
  EXPECT_FALSE(ask("CreateManifest", R"({"model": "meta-llama/Llama-3.1-8B-Instruct"})"));
  EXPECT_FALSE(ask("CreateManifest",
                   R"({"model": "meta-llama/Llama-3.1-8B-Instruct",
                       "acceleratorType": "nvidia-l4", "autoscaler": "magic"})"));
}

TEST_F(KneepointV1, ManifestsAreOfTheProfileThatWasPicked) {
  const json::Object ranked = answer("Recommend", kRecommend);
  for (const json::Value& one : ranked.at("choices").as_array()) {
    const json::Value& id = one.at("kneepoint").at("profile");
    json::Object body{{"model", "meta-llama/Llama-3.1-8B-Instruct"},
                      {"acceleratorType", one.at("acceleratorType")},
                      {"profile", id}};
    const auto made = ask("CreateManifest", json::to_line(body));
    // Some setups cannot be expressed as objects; none becomes another one.
    if (made) {
      EXPECT_EQ(made->at("promise").at("profile"), id);
    }
    body["acceleratorType"] =
        one.at("acceleratorType").as_string() == "nvidia-l4" ? "nvidia-b200" : "nvidia-l4";
    EXPECT_FALSE(ask("CreateManifest", json::to_line(body)));
  }
  EXPECT_FALSE(ask("CreateManifest", R"({"model": "meta-llama/Llama-3.1-8B-Instruct",
                   "acceleratorType": "nvidia-l4", "profile": "s-nothing"})"));
}

TEST_F(KneepointV1, DoctorFindsTheCauseInALog) {
  const json::Object got =
      answer("Doctor", R"({"log": "torch.OutOfMemoryError: CUDA out of memory.\n"})");
  EXPECT_EQ(got.at("errors").to_number<int>(), 1);
  EXPECT_EQ(got.at("findings").at(0).at("id").as_string(), "cuda-oom");
  EXPECT_FALSE(ask("Doctor"));
}

TEST_F(KneepointV1, RunsAreListedAndNothingOutsideTheirFolderIsRead) {
  EXPECT_TRUE(answer("ListRuns").at("runs").as_array().empty());
  for (const char* id : {"nothing", "..", "../store.db", "/etc", "a/b"}) {
    const auto got = ask("GetRun", json::to_line(json::Object{{"id", id}}));
    ASSERT_FALSE(got) << id;
    EXPECT_EQ(got.error().code, ErrorCode::NotFound) << id;
  }
}

TEST_F(KneepointV1, SimulationsNameNoFilesOfTheServer) {
  const auto got = ask("Simulate", R"({"model": "meta-llama/Llama-3.1-8B-Instruct",
    "acceleratorType": "nvidia-l4", "spec": {"schema": "kneepoint.run-spec.v1", "in_flight": 4,
    "requests": 10, "lengths": {"pairs": "/etc/passwd"}}})");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("spec: "));
}

TEST_F(KneepointV1, SimulationsTellHowFarTheyAreAndStopWhenNobodyWaits) {
  constexpr const char* kAsk = R"({"model": "meta-llama/Llama-3.1-8B-Instruct",
    "acceleratorType": "nvidia-h100-80gb", "inputLength": 128, "outputLength": 16,
    "concurrency": [1, 2], "requests": 20})";
  int told = 0;
  progress_ = [&](const json::Object&) { return ++told > 0; };
  const json::Object got = answer("Simulate", kAsk);
  EXPECT_EQ(told, 2);
  EXPECT_EQ(got.at("report").at("points").as_array().size(), 2u);
  EXPECT_THAT(std::string(got.at("provenance").as_string()), HasSubstr("prediction"));
  progress_ = [](const json::Object&) { return false; };
  EXPECT_FALSE(ask("Simulate", kAsk));
}

TEST_F(KneepointV1, ASearchStopsWhenNobodyWaits) {
  int told = 0;
  progress_ = [&](const json::Object&) { return ++told < 1; };
  const auto stopped = ask("Search", R"({"model": "meta-llama/Llama-3.1-8B-Instruct",
      "acceleratorTypes": ["nvidia-h100-80gb"], "requests": 20000})");
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::Conflict);
  EXPECT_EQ(stopped.error().message, "cancelled");
  EXPECT_EQ(told, 1) << "who went away is told nothing more";
}

TEST_F(KneepointV1, ImportsSpeakOfFields) {
  const auto report = read_file(KP_SOURCE_DIR "/tests/data/reports/sglang-bench/c4.jsonl");
  ASSERT_TRUE(report);
  const json::Object asked{
      {"files", json::Array{json::Object{{"name", "c4.jsonl"}, {"content", *report}}}}};
  const auto incomplete = ask("ImportReports", json::to_line(asked));
  ASSERT_FALSE(incomplete);
  EXPECT_THAT(incomplete.error().message, HasSubstr("add given.model given.modelServer "));
  EXPECT_THAT(incomplete.error().message, HasSubstr("given.acceleratorType"));
  EXPECT_THAT(incomplete.error().message, testing::Not(HasSubstr("--")));
}

TEST_F(KneepointV1, NobodyDeploysWhereItWasNotAllowed) {
  const auto got = ask("Deploy", R"({"model": "x", "acceleratorType": "nvidia-l4"})");
  ASSERT_FALSE(got);
  EXPECT_THAT(got.error().message, HasSubstr("--allow-deploy"));
}

TEST_F(KneepointV1, InfoHoldsTheChoicesOfTheOtherVerbs) {
  const json::Object got = answer("GetInfo");
  EXPECT_EQ(got.at("version").as_string(), "1.2.3");
  EXPECT_FALSE(got.at("allowed").at("deploy").as_bool());
  EXPECT_GT(got.at("counts").at("profiles").to_number<int>(), 1000);
  EXPECT_FALSE(got.at("choices").at("regions").as_array().empty());
  expect_pruned(got, "");
}

TEST_F(KneepointV1, AcceleratorsHaveMachinesAndPricesWithTheirDates) {
  const json::Object got = answer("ListAccelerators");
  bool found = false;
  for (const json::Value& one : got.at("accelerators").as_array()) {
    if (one.at("acceleratorType").as_string() != "nvidia-h100-80gb") continue;
    found = true;
    EXPECT_EQ(one.at("memoryGibibytes").to_number<double>(), 80);
    EXPECT_FALSE(one.at("machines").as_array().empty());
  }
  EXPECT_TRUE(found);
  EXPECT_FALSE(answer("ListServers").at("servers").as_array().empty());
  EXPECT_FALSE(answer("ListUseCases").at("useCases").as_array().empty());
}

}  // namespace
}  // namespace kneepoint::verbs
