#include "app/prompt_probe.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/json.h"
#include "loadgen/testing/script_server.h"

namespace kneepoint::app {
namespace {

using loadgen::testing::Peer;
using loadgen::testing::ScriptServer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Server {
  std::int64_t vocabulary = 32'000;
  bool takes_ids = true;
  int counted_too_many = 0;
  int words_cost = 1;
  std::string tokenize{"vllm"};  // or "llama.cpp", or ""
  std::string status{};          // of completions, where not 200
};

/// The body's count of words, each of so many tokens, and a start token.
std::int64_t tokens_of(std::string_view text, int cost) {
  return 1 + cost * (1 + std::ranges::count(text, ' '));
}

ScriptServer::Script script_of(const Server& server) {
  return [server](Peer& peer, const std::string& request, int) {
    const auto body = json::parse(request.substr(request.find("\r\n\r\n") + 4)).value();
    const json::Object& members = body.get_object();
    const bool vllm = server.tokenize == "vllm", llama = server.tokenize == "llama.cpp";
    if (request.starts_with("POST /tokenize")) {
      const auto* prompt = members.if_contains(vllm ? "prompt" : "content");
      if (vllm && members.contains("messages")) {
        const auto& message = members.at("messages").get_array().front().get_object();
        prompt = message.if_contains("content");
      }
      if (server.tokenize.empty()) {
        peer.status("404 Not Found", R"({"detail":"Not Found"})");
        return true;
      }
      const auto count = prompt == nullptr
                             ? 0
                             : tokens_of(std::string_view(prompt->get_string()), server.words_cost);
      json::Array list(static_cast<std::size_t>(count), 7);
      if (vllm) peer.status("200 OK", fmt::format(R"({{"count":{},"tokens":[]}})", count));
      if (llama) peer.status("200 OK", json::to_line(json::Object{{"tokens", list}}));
      return true;
    }
    if (request.starts_with("POST /apply-template")) {
      if (llama) {
        peer.status("200 OK", R"({"prompt":"frame and more"})");
      } else {
        peer.status("404 Not Found", "");
      }
      return true;
    }
    if (!server.status.empty()) {
      peer.status(server.status, "no key");
      return true;
    }
    const json::Array& ids = members.at("prompt").get_array();
    const bool beyond = std::ranges::any_of(
        ids, [&](const json::Value& id) { return id.get_int64() >= server.vocabulary; });
    if (!server.takes_ids || beyond) {
      peer.status("400 Bad Request", R"({"error":{"message":"no such token","code":400}})");
      return true;
    }
    peer.head();
    peer.token("length");
    peer.usage(static_cast<int>(ids.size()) + server.counted_too_many, 1);
    peer.done();
    return true;
  };
}

PromptChoice chosen(const Server& described, PromptKind wanted = PromptKind::Auto,
                    loadgen::Api api = loadgen::Api::Completions, int* requests = nullptr) {
  ScriptServer server(script_of(described));
  loadgen::Target target;
  target.endpoint = server.endpoint();
  target.model = "m";
  target.api = api;
  auto choice = choose_prompts(target, wanted, 1);
  EXPECT_TRUE(choice) << choice.error().message;
  if (requests != nullptr) *requests = server.requests();
  return std::move(*choice);
}

std::string prompt_of(workload::PromptMaker& maker, std::int64_t tokens) {
  workload::RequestPlan plan;
  plan.input = Tokens(tokens);
  std::string out;
  maker.write(plan, out);
  return out;
}

TEST(PromptProbe, TakesIdsWhereTheServerDoes) {
  const PromptChoice choice = chosen({});
  EXPECT_EQ(choice.told, "token ids 1000 to 9191");
  EXPECT_THAT(choice.notes, IsEmpty());
  EXPECT_THAT(prompt_of(*choice.maker, 5), StartsWith("["));
}

TEST(PromptProbe, StaysBelowTheEndOfASmallVocabulary) {
  for (const std::int64_t vocabulary : {300, 2048, 4096, 5000}) {
    const PromptChoice choice = chosen({.vocabulary = vocabulary});
    const auto ids = json::parse(prompt_of(*choice.maker, 5000)).value();
    std::int64_t greatest = 0;
    for (const json::Value& id : ids.get_array()) greatest = std::max(greatest, id.get_int64());
    EXPECT_LT(greatest, vocabulary);
    EXPECT_EQ(ids.get_array().size(), 5000u);
  }
}

TEST(PromptProbe, GivesWordsWhereIdsAreRefusedOrReadAsText) {
  const PromptChoice refused = chosen({.takes_ids = false});
  EXPECT_EQ(refused.told, "words of 1 token each by the server's /tokenize");
  ASSERT_EQ(refused.notes.size(), 1u);
  EXPECT_THAT(refused.notes.front(), HasSubstr("no such token"));
  const PromptChoice as_text = chosen({.counted_too_many = 30});
  EXPECT_THAT(as_text.told, StartsWith("words"));
  EXPECT_THAT(as_text.notes.front(), HasSubstr("46 tokens in 16 ids"));
}

TEST(PromptProbe, CountsWordsInEveryServersForm) {
  for (const char* form : {"vllm", "llama.cpp"}) {
    for (const int cost : {1, 3}) {
      const Server server{.words_cost = cost, .tokenize = form};
      const PromptChoice choice = chosen(server, PromptKind::Words);
      EXPECT_THAT(choice.told, HasSubstr(fmt::format("words of {} token", cost))) << form;
      const std::string prompt = prompt_of(*choice.maker, 61);
      EXPECT_EQ(tokens_of(prompt, cost), 61) << form;
    }
  }
}

TEST(PromptProbe, LearnsFromUsageWhereNobodyCounts) {
  const PromptChoice choice = chosen({.tokenize = ""}, PromptKind::Words);
  EXPECT_THAT(choice.told, HasSubstr("learned from usage"));
}

TEST(PromptProbe, GivesChatWordsAlways) {
  const PromptChoice choice = chosen({}, PromptKind::TokenIds, loadgen::Api::Chat);
  EXPECT_THAT(choice.told, StartsWith("words of 1 token"));
  EXPECT_THAT(prompt_of(*choice.maker, 5), StartsWith(R"([{"role":"user","content":")"));
}

TEST(PromptProbe, AsksNothingWhereIdsAreAskedFor) {
  int requests = 0;
  const PromptChoice choice =
      chosen({}, PromptKind::TokenIds, loadgen::Api::Completions, &requests);
  EXPECT_EQ(choice.told, "token ids 1000 to 1999");
  EXPECT_EQ(requests, 0);
}

TEST(PromptProbe, TakesCommonIdsWhereTheServerDoesNotSay) {
  int requests = 0;
  const PromptChoice choice = chosen({.status = "401 Unauthorized"}, PromptKind::Auto,
                                     loadgen::Api::Completions, &requests);
  EXPECT_EQ(choice.told, "token ids 1000 to 1999");
  EXPECT_EQ(requests, 1);
  loadgen::Target nobody;
  nobody.endpoint =
      http::resolve(http::Url{.tls = false, .host = "127.0.0.1", .port = 9, .base = ""}).value();
  nobody.model = "m";
  EXPECT_EQ(choose_prompts(nobody, PromptKind::Auto, 1)->told, "token ids 1000 to 1999");
}

}  // namespace
}  // namespace kneepoint::app
