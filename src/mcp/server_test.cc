#include "mcp/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <set>
#include <vector>

namespace kneepoint::mcp {
namespace {

using testing::HasSubstr;

/// A server on the shipped catalog, and all it has written.
class McpServer : public testing::Test {
 protected:
  McpServer() {
    std::string name = std::filesystem::temp_directory_path() / "kp_mcp.XXXXXX";
    folder_ = ::mkdtemp(name.data());
    Server::Options options;
    options.version = "1.2.3";
    options.open = [this] {
      app::Settings settings;
      settings.shipped_catalog = KP_BINARY_DIR "/kneepoint.catalog";
      settings.driver_folder = KP_BINARY_DIR;
      settings.store = (folder_ / "store.db").string();
      settings.today = *parse_date("2026-11-21");
      return app::Session::open(settings);
    };
    options.write = [this](std::string_view line) { written_.emplace_back(line); };
    server_ = std::make_unique<Server>(std::move(options));
  }
  ~McpServer() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void say(std::string_view line) { server_->take(line); }
  void initialize() {
    say(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18",
           "capabilities":{},"clientInfo":{"name":"test","version":"1"}}})");
    say(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  }
  /// After the end every answer is there.
  std::vector<json::Object> all() {
    server_->finish();
    std::vector<json::Object> out;
    for (const std::string& line : written_) {
      EXPECT_EQ(line.find('\n'), std::string::npos);
      out.push_back(json::parse(line)->as_object());
    }
    return out;
  }
  json::Object last() {
    const auto said = all();
    return said.empty() ? json::Object() : said.back();
  }

  std::filesystem::path folder_;
  std::vector<std::string> written_;
  std::unique_ptr<Server> server_;
};

TEST(McpTools, EveryToolHasAVerbAndASchemaThatIsAnObject) {
  std::set<std::string_view> names;
  for (const Tool& tool : tools()) {
    EXPECT_TRUE(names.insert(tool.name).second) << tool.name;
    EXPECT_NO_THROW(verb_of(tool)) << tool.name;
    EXPECT_EQ(verb_of(tool).right, verbs::Right::Read) << tool.name;
    const auto schema = json::parse(tool.input);
    ASSERT_TRUE(schema) << tool.name << schema.error().message;
    EXPECT_EQ(schema->at("type"), "object") << tool.name;
    EXPECT_TRUE(schema->at("properties").is_object()) << tool.name;
  }
  for (const char* known :
       {"giq_fetch_models", "giq_fetch_model_servers", "giq_fetch_model_server_versions",
        "giq_fetch_profiles", "giq_generate_manifest"}) {
    EXPECT_NE(find_tool(known), nullptr) << known;
  }
}

TEST_F(McpServer, AgreesOnAVersionOfTheProtocolThatBothSpeak) {
  say(R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05"}})");
  say(R"({"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"1999-01-01"}})");
  const auto said = all();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].at("result").at("protocolVersion").as_string(), "2024-11-05");
  EXPECT_EQ(said[1].at("result").at("protocolVersion").as_string(), Server::versions().front());
  EXPECT_EQ(said[0].at("result").at("serverInfo").at("version").as_string(), "1.2.3");
}

TEST_F(McpServer, AnswersNothingButPingsBeforeItIsInitialized) {
  say(R"({"jsonrpc":"2.0","id":1,"method":"ping"})");
  say(R"({"jsonrpc":"2.0","id":"two","method":"tools/list"})");
  const auto said = all();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_TRUE(said[0].at("result").as_object().empty());
  EXPECT_EQ(said[1].at("id").as_string(), "two");
  EXPECT_THAT(std::string(said[1].at("error").at("message").as_string()), HasSubstr("initialize"));
}

TEST_F(McpServer, RefusesWhatIsNoMessage) {
  const std::pair<const char*, int> kWrong[] = {
      {"{", -32700},
      {"[]", -32600},
      {"17", -32600},
      {R"({"jsonrpc":"2.0","id":1})", -32600},
      {R"({"id":1,"method":"ping"})", -32600},
      {R"({"jsonrpc":"2.0","id":{},"method":"ping"})", -32600},
      {R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})", -32600},
      {R"({"jsonrpc":"2.0","id":1,"method":"no/such"})", -32601},
      {R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"rm"}})", -32602},
      {R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"kneepoint_info",
          "arguments":[1]}})",
       -32602}};
  initialize();
  for (const auto& [line, code] : kWrong) say(line);
  const auto said = all();
  ASSERT_EQ(said.size(), 1 + std::size(kWrong));
  for (std::size_t i = 0; i < std::size(kWrong); ++i) {
    EXPECT_EQ(said[i + 1].at("error").at("code").to_number<int>(), kWrong[i].second)
        << kWrong[i].first;
  }
}

TEST_F(McpServer, SaysNothingToNotificationsAndEmptyLines) {
  say("");
  say("  \r");
  say(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})");
  say(R"({"jsonrpc":"2.0","method":"whatever"})");
  say(R"({"jsonrpc":"2.0","id":1,"result":{}})");
  EXPECT_TRUE(all().empty());
}

TEST_F(McpServer, ListsItsTools) {
  initialize();
  say(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  EXPECT_EQ(last().at("result").at("tools").as_array().size(), tools().size());
}

TEST_F(McpServer, CallsAToolAndAnswersWithTextAndStructure) {
  initialize();
  say(R"({"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"kneepoint_recommend",
      "arguments":{"model":"meta-llama/Llama-3.1-8B-Instruct"}}})");
  const json::Object got = last();
  EXPECT_EQ(got.at("id").as_string(), "a");
  const json::Object& result = got.at("result").as_object();
  EXPECT_FALSE(result.at("isError").as_bool());
  EXPECT_LE(result.at("structuredContent").at("choices").as_array().size(), 5u);
  const auto text = json::parse(result.at("content").at(0).at("text").as_string());
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, result.at("structuredContent"));
}

TEST_F(McpServer, TakesTheArgumentsOfTheKnownIntegrations) {
  initialize();
  say(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"giq_generate_manifest",
      "arguments":{"model":"meta-llama/Llama-3.1-8B-Instruct","model_server":"vllm",
      "accelerator":"nvidia-l4","target_ntpot_milliseconds":"200"}}})");
  const json::Object got = last();
  const json::Object& result = got.at("result").as_object();
  const std::string text(result.at("content").at(0).at("text").as_string());
  EXPECT_FALSE(result.at("isError").as_bool()) << text;
  EXPECT_THAT(text, HasSubstr("kind: Deployment"));
  EXPECT_THAT(text, HasSubstr("nvidia-l4"));
}

TEST_F(McpServer, AWrongArgumentIsAnAnswerThatTheModelCanMend) {
  initialize();
  say(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"kneepoint_recommend",
      "arguments":{"model":"any","headroom":"lots"}}})");
  const json::Object got = last();
  EXPECT_TRUE(got.at("result").at("isError").as_bool());
  EXPECT_THAT(std::string(got.at("result").at("content").at(0).at("text").as_string()),
              HasSubstr("headroom"));
}

TEST_F(McpServer, DoesNotAnswerWhatWasCancelledWhileItWaited) {
  initialize();
  // The first one keeps the worker busy with opening the store; the second one waits behind it.
  say(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"kneepoint_models"}})");
  say(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"kneepoint_models"}})");
  say(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}})");
  say(R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"kneepoint_use_cases"}})");
  std::vector<json::Value> answered;
  for (const json::Object& one : all()) answered.push_back(one.at("id"));
  EXPECT_EQ(answered, (std::vector<json::Value>{0, 1, 3}));
}

TEST_F(McpServer, TellsProgressUnderTheTokenThatWasGiven) {
  initialize();
  say(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"kneepoint_predict",
      "_meta":{"progressToken":"p"},"arguments":{"model":"meta-llama/Llama-3.1-8B-Instruct",
      "acceleratorType":"nvidia-h100-80gb","concurrency":[1],"inputLength":64,"outputLength":8}}})");
  bool told = false;
  for (const json::Object& one : all()) {
    if (!one.contains("method")) continue;
    told = true;
    EXPECT_EQ(one.at("method").as_string(), "notifications/progress");
    EXPECT_EQ(one.at("params").at("progressToken").as_string(), "p");
  }
  EXPECT_TRUE(told);
}

TEST_F(McpServer, RefusesMoreCallsThanItKeeps) {
  initialize();
  for (std::size_t i = 0; i < Server::kMostWaiting + 20; ++i) {
    say(R"({"jsonrpc":"2.0","id":)" + std::to_string(i + 1) +
        R"(,"method":"tools/call","params":{"name":"kneepoint_use_cases"}})");
  }
  std::size_t refused = 0;
  const auto said = all();
  for (const json::Object& one : said) refused += one.contains("error") ? 1 : 0;
  EXPECT_EQ(said.size(), 1 + Server::kMostWaiting + 20);
  EXPECT_GE(refused, 15u);
}

}  // namespace
}  // namespace kneepoint::mcp
