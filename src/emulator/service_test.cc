#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/file.h"
#include "base/json.h"
#include "emulator/testing/service_fixture.h"

namespace kneepoint::emulator {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

std::size_t words_in(const std::vector<std::string>& events) {
  std::size_t words = 0;
  for (const std::string& event : events) {
    if (event == "[DONE]") continue;
    const auto value = json::parse(event).value();
    for (const auto& choice : value.at("choices").as_array()) {
      words += count_tokens(std::string_view(choice.at("text").as_string()));
    }
  }
  return words;
}

TEST_F(ServiceTest, StreamsACompletionTokenByToken) {
  start();
  const Answer answer = stream(R"("max_tokens":6,"stream_options":{"include_usage":true})");
  EXPECT_EQ(answer.ending->outcome, http::Outcome::Complete);
  EXPECT_TRUE(answer.head.is_event_stream());
  const auto events = answer.events();
  ASSERT_EQ(events.size(), 8U);  // tokens, usage, [DONE]
  EXPECT_EQ(words_in(events), 6U);
  EXPECT_TRUE(json::parse(events[4]).value().at("choices").at(0).at("finish_reason").is_null());
  EXPECT_EQ(json::parse(events[5]).value().at("choices").at(0).at("finish_reason"), "length");
  const auto usage = json::parse(events[6]).value().at("usage");
  EXPECT_EQ(usage.at("prompt_tokens"), 3);
  EXPECT_EQ(usage.at("completion_tokens"), 6);
  EXPECT_EQ(events[7], "[DONE]");
}

TEST_F(ServiceTest, StreamsAChatThatStartsWithItsRole) {
  start();
  const Answer answer =
      ask("/v1/chat/completions", R"({"messages":[{"role":"user","content":"hi"}],"max_tokens":3,)"
                                  R"("stream":true,"stream_options":{"include_usage":true,)"
                                  R"("continuous_usage_stats":true}})");
  const auto events = answer.events();
  ASSERT_EQ(events.size(), 6U);
  const auto delta = json::parse(events[0]).value().at("choices").at(0).at("delta");
  EXPECT_EQ(delta.at("role"), "assistant");
  EXPECT_EQ(json::parse(events[1]).value().at("usage").at("completion_tokens"), 1);
  EXPECT_EQ(json::parse(events[3]).value().at("usage").at("completion_tokens"), 3);
}

TEST_F(ServiceTest, AnswersWholeWithUsage) {
  start();
  const Answer answer = ask("/v1/completions", R"({"prompt":[1,2,3,4],"max_tokens":5})");
  EXPECT_EQ(answer.ending->status, 200);
  const auto value = answer.json();
  EXPECT_EQ(count_tokens(std::string_view(value.at("choices").at(0).at("text").as_string())), 5U);
  EXPECT_EQ(value.at("usage").at("prompt_tokens"), 4);
  const Answer chat =
      ask("/v1/chat/completions", R"({"messages":[{"role":"user","content":"a"}],"max_tokens":2})");
  EXPECT_EQ(chat.json().at("choices").at(0).at("message").at("role"), "assistant");
  EXPECT_TRUE(chat.ending->reused) << "the connection is kept";
}

TEST_F(ServiceTest, AnswersWhatClientsAskBeforehand) {
  options.service.model = "org/\"odd\"";
  options.service.version = "0.11.0";
  start();
  EXPECT_EQ(ask("/v1/models").json().at("data").at(0).at("id"), "org/\"odd\"");
  EXPECT_EQ(ask("/health").ending->status, 200);
  EXPECT_EQ(ask("/version").json().at("version"), "0.11.0");
  EXPECT_EQ(ask("/tokenize", R"({"prompt":"a b c"})").json().at("count"), 3);
  EXPECT_EQ(ask("/detokenize", R"({"tokens":[0,1]})").json().at("prompt"), "bababa bababe");
  EXPECT_EQ(ask("/props").ending->status, 200);
  EXPECT_EQ(ask("/nowhere").ending->status, 404);
  EXPECT_EQ(ask("/v1/completions").ending->status, 405);
}

TEST_F(ServiceTest, AnswersAsTheNewestReleaseWhereNoVersionWasChosen) {
  start();
  const std::string version(ask("/version").json().at("version").as_string());
  ASSERT_NE(shipped().server_version("vllm", version), nullptr) << version;
  for (const auto& build : shipped().server_versions()) {
    if (build.server != "vllm" || build.channel != "release") continue;
    EXPECT_LE(catalog::compare_versions(build.version, version).value_or(-1), 0) << build.version;
  }
}

TEST_F(ServiceTest, RefusesInTheShapeOfTheApi) {
  options.service.max_model_len = 100;
  start();
  const Answer model = ask("/v1/completions", R"({"model":"other","prompt":"a"})");
  EXPECT_EQ(model.ending->status, 404);
  EXPECT_EQ(model.json().at("error").at("type"), "NotFoundError");
  const Answer length = ask("/v1/completions", R"({"prompt":"a b","max_tokens":99})");
  EXPECT_EQ(length.ending->status, 400);
  EXPECT_THAT(std::string(length.json().at("error").at("message").as_string()),
              HasSubstr("maximum context length is 100"));
  EXPECT_EQ(ask("/v1/completions", "{").ending->status, 400);
  EXPECT_EQ(
      ask("/v1/completions", R"({"prompt":"a","min_tokens":9,"max_tokens":3})").ending->status,
      400);
  EXPECT_EQ(emulator->totals().refused, 4U);
}

TEST_F(ServiceTest, StopsByItselfUnlessToldNotTo) {
  options.service.stop_after =
      workload::make_length(workload::parse_length("4").value(), workload::Side::Output).value();
  start();
  const auto tokens = [&](const std::string& more) {
    const Answer answer = ask("/v1/completions", R"({"prompt":"a","max_tokens":9)" + more + "}");
    const auto value = answer.json();
    return std::string(value.at("choices").at(0).at("finish_reason").as_string()) +
           std::to_string(value.at("usage").at("completion_tokens").as_int64());
  };
  EXPECT_EQ(tokens(""), "stop4");
  EXPECT_EQ(tokens(R"(,"ignore_eos":true)"), "length9");
  EXPECT_EQ(tokens(R"(,"min_tokens":6)"), "stop6");
}

TEST_F(ServiceTest, ATokenLetsInAndHealthNeedsNone) {
  options.service.token = "s3cret";
  start();
  EXPECT_EQ(ask("/v1/models").ending->status, 401);
  EXPECT_EQ(ask("/metrics").ending->status, 401);
  EXPECT_EQ(ask("/v1/models", "", {{"Authorization", "Bearer s3cre"}}).ending->status, 401);
  EXPECT_EQ(ask("/v1/models", "", {{"Authorization", "Bearer s3cret2"}}).ending->status, 401);
  EXPECT_EQ(ask("/v1/models", "", {{"Authorization", "Bearer s3cret"}}).ending->status, 200);
  EXPECT_EQ(ask("/health").ending->status, 200);
}

TEST_F(ServiceTest, OtherAddressesNeedAToken) {
  options.host = "0.0.0.0";
  const auto refused = Emulator::start(*loop, options, shipped());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("--token-file"));
  EXPECT_TRUE(is_loopback("127.0.0.1") && is_loopback("::1") && is_loopback("localhost"));
  EXPECT_FALSE(is_loopback("127.0.0.1.example.com") || is_loopback("10.0.0.1"));
}

TEST_F(ServiceTest, ATakenPortIsNamed) {
  start();
  options.port = emulator->port();
  const auto second = Emulator::start(*loop, options, shipped());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(options.port)));
}

TEST_F(ServiceTest, ALeavingClientCancels) {
  options.script.gap = parse_delay("20ms").value();
  start();
  Answer answer;
  send(answer, "/v1/completions", R"({"prompt":"a","stream":true,"max_tokens":1000})");
  wait([&] { return answer.events().size() >= 2; });
  client.reset();
  wait([&] { return emulator->totals().cancelled == 1; });
  EXPECT_LT(emulator->totals().tokens, 100U);
}

TEST_F(ServiceTest, RequestsSentAheadWaitForTheirTurn) {
  start();
  const std::string one =
      "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 29\r\n\r\n"
      R"({"prompt":"a","max_tokens":2})";
  Answer answer;
  client->send(one + one, answer);
  wait([&] { return emulator->totals().completed == 2; });
}

TEST_F(ServiceTest, TheTruthIsWhatWasServed) {
  options.truth_path = testing::TempDir() + "/truth_test.jsonl";
  options.script.ttft = parse_delay("lognormal:20ms,0.3").value();
  options.script.gap = parse_delay("lognormal:5ms,0.3").value();
  start();
  const Answer answer = ask("/v1/completions", R"({"prompt":"a","stream":true,"max_tokens":8})",
                            {{"X-Request-Id", "my-1"}});
  ASSERT_TRUE(emulator->finish());
  const auto line = json::parse(read_file(options.truth_path).value()).value();
  EXPECT_EQ(line.at("id"), "cmpl-my-1");
  EXPECT_EQ(line.at("outcome"), "completed");
  const auto& nanos = line.at("token_ns").as_array();
  const auto script = scripted_times(options.script, 0, 8);
  ASSERT_EQ(nanos.size(), script.size());
  Nanos at{};
  for (std::size_t i = 0; i < script.size(); ++i) {
    at += Nanos(nanos[i].as_int64());
    EXPECT_GE(at, script[i]);          // never early
    EXPECT_LT(at, script[i] + 500ms);  // how late is the machine's affair
  }
}

TEST_F(ServiceTest, MetricsBearTheNamesOfTheVersion) {
  options.service.version = "0.8.0";
  start();
  stream();
  const std::string old = ask("/metrics").body;
  EXPECT_THAT(old,
              HasSubstr("vllm:gpu_cache_usage_perc{model_name=\"emulated\",engine=\"0\"} 0\n"));
  EXPECT_THAT(old, Not(HasSubstr("vllm:kv_cache_usage_perc")));
  EXPECT_THAT(old,
              HasSubstr("vllm:generation_tokens_total{model_name=\"emulated\",engine=\"0\"} 6\n"));
  EXPECT_THAT(old, HasSubstr("vllm:request_success_total{model_name=\"emulated\",engine=\"0\","
                             "finished_reason=\"length\"} 1\n"));
  EXPECT_THAT(old, HasSubstr("vllm:time_to_first_token_seconds_count{model_name=\"emulated\","
                             "engine=\"0\"} 1\n"));
}

TEST_F(ServiceTest, EveryServerOfTheCatalogHasAPage) {
  std::set<std::string> servers;
  for (const auto& row : shipped().server_metrics()) servers.insert(row.server);
  ASSERT_GE(servers.size(), 7U);
  for (const std::string& server : servers) {
    const auto page = MetricsPage::make(shipped(), server, "", "m");
    ASSERT_TRUE(page) << server;
    EngineState state;
    state.running = 3;
    const std::string text = page->text(state, page->empty_counts());
    for (const auto& row : shipped().server_metrics()) {
      if (row.server != server || !row.until.empty()) continue;
      EXPECT_THAT(text, HasSubstr(row.series));
    }
    EXPECT_THAT(text, HasSubstr("# TYPE ")) << server;
  }
  EXPECT_FALSE(MetricsPage::make(shipped(), "nobody", "", "m"));
}

// --- Variants ---

TEST_F(ServiceTest, VariantsChangeTheFormAndNotTheWords) {
  options.service.seed = 4;
  start();
  const std::string more = R"("max_tokens":10,"stream_options":{"include_usage":true})";
  const std::size_t plain = words_in(stream(more).events());
  EXPECT_EQ(plain, 10U);
  StreamStyle odd;
  odd.crlf = odd.usage_on_last = odd.null_usage = odd.split_writes = true;
  odd.done = false;
  options.service.style = odd;
  options.service.tokens_per_event = 4;
  start();
  const Answer answer = stream(more);
  EXPECT_EQ(answer.ending->outcome, http::Outcome::Complete) << answer.ending->reason;
  EXPECT_THAT(answer.body, HasSubstr("}\r\n\r\n"));
  EXPECT_THAT(answer.body, Not(HasSubstr("[DONE]")));
  const auto events = answer.events();
  ASSERT_EQ(events.size(), 3U);  // 4 + 4 + 2
  EXPECT_EQ(words_in(events), 10U);
  EXPECT_TRUE(json::parse(events[0]).value().at("usage").is_null());
  EXPECT_EQ(json::parse(events[2]).value().at("usage").at("completion_tokens"), 10);
}

// --- Faults ---

TEST_F(ServiceTest, FaultRefuse) {
  faults({"refuse"});
  start();
  EXPECT_EQ(ask("/health").ending->outcome, http::Outcome::NotConnected);
  faults({"refuse@0.5"});
  start();
  int failed = 0;
  for (int i = 0; i < 40; ++i) {
    client.emplace(
        *loop,
        http::resolve({.tls = false, .host = "127.0.0.1", .port = emulator->port(), .base = ""})
            .value());
    failed += ask("/health").ending->outcome == http::Outcome::Complete ? 0 : 1;
  }
  EXPECT_NEAR(failed, 20, 12);
}

TEST_F(ServiceTest, FaultRejectAndError) {
  faults({"reject"});
  start();
  const Answer rejected = stream();
  EXPECT_EQ(rejected.ending->status, 429);
  EXPECT_EQ(rejected.head.find("retry-after"), "1");
  faults({"error:502"});
  start();
  EXPECT_EQ(stream().ending->status, 502);
}

TEST_F(ServiceTest, FaultStallKeepsTheConnectionOpen) {
  faults({"stall:3"});
  start();
  Answer answer;
  send(answer, "/v1/completions", R"({"prompt":"a","stream":true,"max_tokens":9})");
  wait([&] { return emulator->totals().broken == 1; });
  EXPECT_FALSE(loop->run_until([&] { return answer.ending.has_value(); }, loop->now() + 50ms));
  EXPECT_EQ(words_in(answer.events()), 3U);
  client.reset();
  EXPECT_FALSE(loop->run_until([] { return false; }, loop->now() + 20ms));
  EXPECT_EQ(emulator->totals().cancelled, 0U) << "a stalled stream was not the client's doing";
}

TEST_F(ServiceTest, FaultCutEndsInTheMiddle) {
  faults({"cut:2"});
  start();
  const Answer answer = stream();
  EXPECT_EQ(answer.ending->outcome, http::Outcome::Cut);
  EXPECT_EQ(words_in(answer.events()), 2U);
}

TEST_F(ServiceTest, FaultErrorInsideAStreamHasStatus200) {
  faults({"sse-error:2"});
  start();
  const Answer answer = stream();
  EXPECT_EQ(answer.ending->outcome, http::Outcome::Complete);
  EXPECT_EQ(answer.ending->status, 200);
  const auto events = answer.events();
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(json::parse(events[2]).value().at("error").at("code"), 500);
  EXPECT_EQ(events[3], "[DONE]");
}

TEST_F(ServiceTest, FaultWrongUsage) {
  faults({"wrong-usage"});
  start();
  EXPECT_EQ(ask("/v1/completions", R"({"prompt":"a","max_tokens":2})")
                .json()
                .at("usage")
                .at("completion_tokens"),
            9);
}

TEST_F(ServiceTest, FaultSlowStart) {
  faults({"slow-start:150ms"});
  start();
  EXPECT_EQ(ask("/health").ending->status, 503);
  EXPECT_EQ(stream().ending->status, 503);
  loop->run_until([] { return false; }, loop->now() + 160ms);
  EXPECT_EQ(ask("/health").ending->status, 200);
}

TEST_F(ServiceTest, FaultNoKeepAliveClosesWhatItPromisedToKeep) {
  faults({"no-keep-alive"});
  start();
  const Answer first = stream();
  EXPECT_EQ(first.ending->outcome, http::Outcome::Complete);
  EXPECT_TRUE(first.head.keep_alive);
  wait([&] { return client->idle_connections() == 0; });
  EXPECT_EQ(ask("/v1/completions", R"({"prompt":"a","max_tokens":2})").ending->status, 200);
}

TEST_F(ServiceTest, FaultDieAfterTakesAllStreamsAlong) {
  faults({"die-after:1"});
  start();
  EXPECT_EQ(stream().ending->outcome, http::Outcome::Complete);
  Answer answer;
  send(answer, "/v1/completions", R"({"prompt":"a","stream":true,"max_tokens":9})");
  wait([&] { return answer.ending.has_value(); });
  EXPECT_EQ(answer.ending->outcome, http::Outcome::Cut);
  EXPECT_TRUE(emulator->died());
  EXPECT_EQ(ask("/health").ending->outcome, http::Outcome::NotConnected);
}

}  // namespace
}  // namespace kneepoint::emulator
