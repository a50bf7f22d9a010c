#include "scrape/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scrape/testing/pages.h"

namespace kneepoint::scrape {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RecorderTest : public ::testing::Test {
 protected:
  void add(Nanos at_time, std::string_view page) {
    recorder.add(at_time, recorder.map().read(page).value());
  }
  void use(std::string_view server, std::string_view version) {
    recorder = Recorder(SignalMap::of(shipped_catalog(KP_BINARY_DIR), server, version).value());
  }
  Recorder recorder{SignalMap::of(shipped_catalog(KP_BINARY_DIR), "vllm", "0.32.0").value()};
};

TEST_F(RecorderTest, GivesTheServersAccountOfAWindow) {
  add(0s, page_of(KP_SOURCE_DIR, "vllm-0.32.0-before.prom"));
  add(5s, page_of(KP_SOURCE_DIR, "vllm-0.32.0-under-load.prom"));
  add(10s, page_of(KP_SOURCE_DIR, "vllm-0.32.0-after.prom"));
  const auto all = recorder.summarize({0s, 10s});
  EXPECT_EQ(all.server, "vllm");
  EXPECT_EQ(all.version, "0.32.0");
  EXPECT_THAT(all.warnings, IsEmpty());
  EXPECT_EQ(all.samples.size(), 2u) << "the end is not in the window";
  EXPECT_EQ(all.running.mean, 4);
  EXPECT_EQ(all.running.max, 8);
  EXPECT_EQ(all.waiting.max, 27);
  EXPECT_NEAR(all.kv_use.mean, 0.31496062992125984 / 2, 1e-12);
  EXPECT_EQ(all.preemptions, 0);
  EXPECT_DOUBLE_EQ(all.prompt_tokens_per_second, (200448 - 55424) / 10.0);
  EXPECT_DOUBLE_EQ(all.generation_tokens_per_second, (50112 - 13856) / 10.0);
  EXPECT_EQ(all.prefix_hit_share, 0);
  EXPECT_NEAR(all.ttft_mean_ms, (5483.8995885849 - 147.39362478256226) / 1133 * 1000, 1e-6);
  EXPECT_NEAR(all.itl_mean_ms, (1053.1433673529946 - 151.5950954550035) / 35123 * 1000, 1e-6);
  EXPECT_NEAR(all.tpot_mean_ms, (33.972366688806275 - 4.8901643695162385) / 1133 * 1000, 1e-6);
  EXPECT_NEAR(all.e2e_mean_ms, (6536.629725933075 - 298.89415168762207) / 1133 * 1000, 1e-6);
  EXPECT_NEAR(all.queue_mean_ms, (5257.719586291998 - 72.45817265899404) / 1133 * 1000, 1e-6);

  const auto part = recorder.summarize({100ms, 5100ms});
  EXPECT_EQ(part.samples.size(), 1u);
  EXPECT_DOUBLE_EQ(part.generation_tokens_per_second, (36476 - 13856) / 5.0)
      << "from the nearest page to the nearest page";
}

TEST_F(RecorderTest, ACounterThatFellWasStartedAnew) {
  add(0s,
      "vllm:generation_tokens_total{engine=\"0\"} 1000\n"
      "vllm:generation_tokens_total{engine=\"1\"} 500\n");
  add(1s,
      "vllm:generation_tokens_total{engine=\"0\"} 40\n"
      "vllm:generation_tokens_total{engine=\"1\"} 2500\n");
  add(2s,
      "vllm:generation_tokens_total{engine=\"0\"} 60\n"
      "vllm:generation_tokens_total{engine=\"1\"} 2600\n");
  const auto signals = recorder.summarize({0s, 2s});
  EXPECT_DOUBLE_EQ(signals.generation_tokens_per_second, (40 + 20 + 2000 + 100) / 2.0);
  EXPECT_THAT(signals.warnings, Contains(HasSubstr("started anew")));
  EXPECT_THAT(recorder.summarize({1s, 2s}).warnings, Not(Contains(HasSubstr("started anew"))));
  EXPECT_EQ(recorder.latest()->generation_tokens, 2660) << "as the server shows it";
}

TEST_F(RecorderTest, ASeriesThatComesLaterStartsFromNothing) {
  add(0s, "vllm:num_requests_running 0\n");
  add(1s,
      "vllm:num_requests_running 1\nvllm:num_preemptions_total 5\n"
      "vllm:time_to_first_token_seconds_sum 2\nvllm:time_to_first_token_seconds_count 4\n");
  const auto signals = recorder.summarize({0s, 1s});
  EXPECT_EQ(signals.preemptions, 5);
  EXPECT_DOUBLE_EQ(signals.ttft_mean_ms, 500);
}

TEST_F(RecorderTest, APageThatLacksASeriesOnceDoesNotStartItAnew) {
  add(0s, "vllm:prompt_tokens_total 1000\n");
  add(1s, "vllm:num_requests_running 1\n");
  add(2s, "vllm:prompt_tokens_total 1100\n");
  EXPECT_DOUBLE_EQ(recorder.summarize({0s, 2s}).prompt_tokens_per_second, 50);
}

TEST_F(RecorderTest, PrefixHitsAreOfQueriesOrOfHitsAndMisses) {
  add(0s, "vllm:prefix_cache_hits_total 0\nvllm:prefix_cache_queries_total 0\n");
  add(1s, "vllm:prefix_cache_hits_total 96\nvllm:prefix_cache_queries_total 256\n");
  EXPECT_DOUBLE_EQ(recorder.summarize({0s, 1s}).prefix_hit_share, 0.375);
  use("llama.cpp", "");
  add(0s, page_of(KP_SOURCE_DIR, "llama.cpp-idle.prom"));
  add(1s,
      "llamacpp:prompt_tokens_cached_total 58\nllamacpp:prompt_tokens_total 35\n"
      "llamacpp:tokens_predicted_total 1159\nllamacpp:tokens_predicted_seconds_total 2.352461\n");
  const auto signals = recorder.summarize({0s, 1s});
  EXPECT_DOUBLE_EQ(signals.prefix_hit_share, 0.75);
  EXPECT_NEAR(signals.tpot_mean_ms, 20, 1e-9) << "seconds over generated tokens";
}

TEST_F(RecorderTest, SumsOfMicrosecondsAreDividedByFinishedRequests) {
  use("triton+tensorrt-llm", "25.01");
  add(0s, "nv_inference_request_duration_us 0\nnv_inference_request_success 0\n");
  add(1s, "nv_inference_request_duration_us 3000000\nnv_inference_request_success 4\n");
  EXPECT_DOUBLE_EQ(recorder.summarize({0s, 1s}).e2e_mean_ms, 750);
}

TEST_F(RecorderTest, FailuresBecomeOneWarningWithTheirNumber) {
  for (int i = 0; i < 10; ++i) {
    if (i % 3 == 2) {
      recorder.failed(Nanos(1s) * i, i == 8 ? "timed-out: no answer" : "not-connected: refused");
    } else {
      add(Nanos(1s) * i, page_of(KP_SOURCE_DIR, "vllm-0.32.0-under-load.prom"));
    }
  }
  EXPECT_THAT(recorder.summarize({0s, 10s}).warnings,
              ElementsAre("3 of 10 scrapes of the server's metrics failed, the last: timed-out: no "
                          "answer"));
  EXPECT_THAT(recorder.summarize({3s, 5s}).warnings, IsEmpty());
}

TEST_F(RecorderTest, WithoutAPageOnlyThatIsSaid) {
  EXPECT_FALSE(recorder.latest());
  recorder.failed(1s, "not-connected: refused");
  const auto signals = recorder.summarize({0s, 10s});
  EXPECT_THAT(signals.warnings, ElementsAre(HasSubstr("1 of 1 scrapes")));
  EXPECT_TRUE(metrics::is_missing(signals.running.mean));
  EXPECT_TRUE(metrics::is_missing(signals.ttft_mean_ms));
  EXPECT_THAT(recorder.summarize({20s, 30s}).warnings, ElementsAre(HasSubstr("no scrape")));
}

TEST_F(RecorderTest, WarnsOfEachAbsentSeriesOnce) {
  for (int i = 0; i < 5; ++i) {
    add(Nanos(1s) * i, page_of(KP_SOURCE_DIR, "llm-d-inference-sim.prom"));
  }
  const auto warnings = recorder.summarize({0s, 5s}).warnings;
  const auto naming = [&](std::string_view series) {
    return std::count_if(warnings.begin(), warnings.end(), [&](const std::string& warning) {
      return warning.find(series) != std::string::npos;
    });
  };
  EXPECT_EQ(naming("vllm:num_preemptions_total"), 1);
  EXPECT_EQ(naming("vllm:prefix_cache_hits_total"), 1);
  EXPECT_EQ(naming("vllm:request_queue_time_seconds"), 1);
  EXPECT_EQ(warnings.size(), 4u) << "and that of the queries";
}

}  // namespace
}  // namespace kneepoint::scrape
