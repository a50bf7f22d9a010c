#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/text.h"
#include "emulator/engine_timing.h"
#include "emulator/testing/service_fixture.h"
#include "perfmodel/step_time.h"
#include "sim/replay.h"

namespace kneepoint::emulator {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::string_view kSteps =
    "base=6ms,prefill=200us,sequence=1ms,context=0ns,prefill-context=0ns";

/// The emulator with an engine of round numbers, over real sockets and by the real clock.
class EngineServiceTest : public ServiceTest {
 protected:
  void start_engine() {
    engine.step_time = std::make_unique<perfmodel::LinearStepTime>(*perfmodel::parse_linear(steps));
    auto made = EngineTiming::make(std::move(engine));
    ASSERT_TRUE(made) << made.error().message;
    timing = std::move(*made);
    options.service.max_model_len = engine.engine.max_model_len;
    start();
  }
  double metric(const std::string& name) {
    const std::string page = ask("/metrics").body;
    for (const std::string_view line : split(page, '\n')) {
      if (!line.starts_with(name + "{")) continue;
      return parse_number(line.substr(line.rfind(' ') + 1)).value();
    }
    ADD_FAILURE() << "no series " << name;
    return -1;
  }
  static std::string body(std::int64_t prompt, std::int64_t output, TokenId first = 0) {
    std::string ids;
    for (std::int64_t i = 0; i < prompt; ++i) ids += std::to_string(first + i) + ",";
    ids.pop_back();
    return R"({"prompt":[)" + ids + R"(],"stream":true,"max_tokens":)" + std::to_string(output) +
           "}";
  }

  std::string_view steps = kSteps;
  EngineTimingOptions engine;
};

double millis(Nanos span) { return static_cast<double>(span.count()) / 1e6; }

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

TEST_F(EngineServiceTest, LatenciesAreTheModelsWithinAMillisecond) {
  start_engine();
  ask("/health");  // the connection is there
  std::vector<double> ttft, itl;
  for (TokenId run = 0; run < 5; ++run) {
    const Answer answer = ask("/v1/completions", body(20, 10, 100 * run));
    ASSERT_GE(answer.stamps.size(), 10U);
    ttft.push_back(millis(answer.stamps[0] - *answer.ending->sent));
    for (std::size_t i = 1; i < 10; ++i) {
      itl.push_back(millis(answer.stamps[i] - answer.stamps[i - 1]));
    }
  }
  EXPECT_GE(*std::min_element(ttft.begin(), ttft.end()), 6 + 20 * .2 - .1) << "never early";
  EXPECT_NEAR(median(ttft), 6 + 20 * .2, 1);
  EXPECT_NEAR(median(itl), 6 + 1, 1);
}

TEST_F(EngineServiceTest, TheSecondWaitsWhereOneMayRun) {
  engine.engine.max_num_seqs = 1;
  start_engine();
  std::array<Answer, 2> answers;
  for (Answer& answer : answers) send(answer, "/v1/completions", body(20, 20));
  wait([&] { return answers[0].stamps.size() + answers[1].stamps.size() >= 4; });
  EXPECT_EQ(metric("vllm:num_requests_running"), 1);
  EXPECT_EQ(metric("vllm:num_requests_waiting"), 1);
  EXPECT_GT(metric("vllm:kv_cache_usage_perc"), 0);
  wait([&] { return answers[0].ending && answers[1].ending; });
  EXPECT_EQ(metric("vllm:num_requests_running"), 0);
  EXPECT_EQ(metric("vllm:num_requests_waiting"), 0);
  EXPECT_EQ(metric("vllm:request_queue_time_seconds_count"), 2);
  EXPECT_NEAR(metric("vllm:request_queue_time_seconds_sum"), .010 + 19 * .007, .015);
  EXPECT_EQ(metric("vllm:time_to_first_token_seconds_count"), 2);
  EXPECT_EQ(metric("vllm:e2e_request_latency_seconds_count"), 2);
  EXPECT_EQ(metric("vllm:prompt_tokens_total"), 40);
  EXPECT_EQ(metric("vllm:generation_tokens_total"), 40);
}

TEST_F(EngineServiceTest, ACacheTooSmallShowsPreemptions) {
  engine.engine.num_blocks = 5;
  start_engine();
  std::array<Answer, 2> answers;
  send(answers[0], "/v1/completions", body(30, 30));
  send(answers[1], "/v1/completions", body(30, 30, 1000));
  wait([&] { return answers[0].ending && answers[1].ending; });
  EXPECT_GE(metric("vllm:num_preemptions_total"), 1);
  EXPECT_EQ(emulator->totals().completed, 2U);
  EXPECT_EQ(emulator->totals().tokens, 60U);
}

TEST_F(EngineServiceTest, ARepeatedPromptIsFoundInTheCache) {
  start_engine();
  ask("/v1/completions", body(40, 2));
  EXPECT_EQ(metric("vllm:prefix_cache_hits_total"), 0);
  ask("/v1/completions", body(40, 2));
  EXPECT_EQ(metric("vllm:prefix_cache_queries_total"), 80);
  EXPECT_EQ(metric("vllm:prefix_cache_hits_total"), 32);
}

TEST_F(EngineServiceTest, TheNextTurnOfAChatFindsTheOneBefore) {
  engine.engine.block_size = 4;
  start_engine();
  const auto turn = [&](const std::string& more) {
    return ask(
        "/v1/chat/completions",
        R"({"max_tokens":8,"messages":[{"role":"user","content":"who are you"})" + more + "]}");
  };
  const auto first = turn("").json();
  const auto& said = first.at("choices").at(0).at("message").at("content").as_string();
  turn(R"(,{"role":"assistant","content":")" + std::string(said) +
       R"("},{"role":"user","content":"and then"})");
  // 7 + 3 tokens of the first prompt and 7 of its answer, in whole blocks.
  EXPECT_EQ(metric("vllm:prefix_cache_hits_total"), 16);
}

TEST_F(EngineServiceTest, AClientThatLeavesFreesItsBlocks) {
  start_engine();
  Answer answer;
  send(answer, "/v1/completions", body(100, 10'000));
  wait([&] { return answer.stamps.size() >= 3; });
  EXPECT_EQ(metric("vllm:num_requests_running"), 1);
  client.reset();
  wait([&] { return emulator->totals().cancelled == 1; });
  client.emplace(
      *loop,
      http::resolve({.tls = false, .host = "127.0.0.1", .port = emulator->port(), .base = ""})
          .value());
  loop->run_until([] { return false; }, loop->now() + 20ms);  // the step under way ends
  EXPECT_EQ(metric("vllm:num_requests_running"), 0);
  EXPECT_EQ(metric("vllm:kv_cache_usage_perc"), 0);
}

TEST_F(EngineServiceTest, WhatCanNeverRunIsRefusedWithTheReason) {
  engine.engine.num_blocks = 5;
  start_engine();
  const Answer answer = ask("/v1/completions", body(60, 60));
  EXPECT_EQ(answer.ending->status, 400);
  const auto error = answer.json().at("error");
  EXPECT_EQ(error.at("type"), "BadRequestError");
  EXPECT_THAT(std::string(error.at("message").as_string()), HasSubstr("KV cache"));
  EXPECT_EQ(emulator->totals().refused, 1U);
  EXPECT_EQ(ask("/v1/completions", body(20, 2)).ending->status, 200);
}

TEST_F(EngineServiceTest, TheSameSeedSaysTheSame) {
  const auto said = [&] {
    engine = {};
    options.service.seed = 5;
    start_engine();
    const Answer answer = ask("/v1/completions", R"({"prompt":"a b","max_tokens":9})");
    return std::string(answer.json().at("choices").at(0).at("text").as_string());
  };
  const std::string first = said();
  EXPECT_EQ(said(), first);
}

/// One engine, two clocks: a run as the simulator plays it and as a client sees it.
TEST_F(EngineServiceTest, ARunTakesWhatItsReplayTakes) {
  steps = "base=8ms,prefill=50us,sequence=200us,context=0ns,prefill-context=0ns";
  engine.engine.max_num_seqs = 12;  // there is a queue at times
  workload::RunSpec spec;
  spec.seed = 2;
  spec.arrivals = workload::Arrivals{.rate = 60};
  spec.lengths.input = *workload::parse_length("uniform:20,200");
  spec.lengths.output = *workload::parse_length("uniform:5,30");
  spec.requests = 90;

  perfmodel::LinearStepTime model(*perfmodel::parse_linear(steps));
  const auto replayed = sim::replay(spec, engine.engine, model).value();
  double wanted_ttft = 0;
  for (const auto& timeline : replayed.timelines) {
    wanted_ttft += millis(timeline.events.front().after_due()) / 90;
  }

  start_engine();
  auto generator = workload::Generator::open(spec).value();
  std::deque<Answer> answers;
  std::vector<http::Time> due;
  const http::Time begun = loop->now() + 5ms;
  TokenId unlike = 0;
  while (const auto plan = generator.next()) {
    Answer& answer = answers.emplace_back();
    due.push_back(begun + plan->at);
    const std::string text =
        body(plan->prompt_tokens().count(), plan->output.count(), unlike += 1000);
    loop->at(due.back(), [this, &answer, text] { send(answer, "/v1/completions", text); });
  }
  wait([&] { return emulator->totals().completed == 90; });
  const double took = millis(loop->now() - begun);
  double ttft = 0;
  for (std::size_t i = 0; i < 90; ++i) {
    ttft += millis(answers[i].stamps.at(0) - due[i]) / 90;
  }
  RecordProperty("replay_ttft_ms", std::to_string(wanted_ttft));
  RecordProperty("ttft_ms", std::to_string(ttft));
  EXPECT_NEAR(ttft, wanted_ttft, .05 * wanted_ttft);
  EXPECT_NEAR(took, millis(replayed.took), .03 * millis(replayed.took));
}

}  // namespace
}  // namespace kneepoint::emulator
