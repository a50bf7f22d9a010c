#include "scrape/signal_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/metric.h"
#include "scrape/testing/pages.h"

namespace kneepoint::scrape {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

SignalMap map_of(std::string_view server, std::string_view version) {
  return SignalMap::of(shipped_catalog(KP_BINARY_DIR), server, version).value();
}
Reading read(const SignalMap& map, std::string_view page) {
  auto reading = map.read(page);
  EXPECT_TRUE(reading) << reading.error().message;
  return *reading;
}
double value(const Reading& reading, Signal signal) {
  return combined(signal, reading[at(signal)]);
}
std::string warning(const SignalMap& map, const Reading& reading, Signal signal) {
  const Found& found = reading[at(signal)];
  return map.warning(signal, found.parts.empty() ? nullptr : &found);
}

TEST(SignalMap, ReadsVllmUnderLoad) {
  const SignalMap map = map_of("vllm", "0.32.0");
  const Reading reading = read(map, page_of(KP_SOURCE_DIR, "vllm-0.32.0-under-load.prom"));
  EXPECT_EQ(value(reading, Signal::Running), 8);
  EXPECT_EQ(value(reading, Signal::Waiting), 27);
  EXPECT_DOUBLE_EQ(value(reading, Signal::KvUse), 0.31496062992125984);
  EXPECT_EQ(value(reading, Signal::Preemptions), 0);
  EXPECT_EQ(value(reading, Signal::PromptTokens), 146304);
  EXPECT_EQ(value(reading, Signal::GenerationTokens), 36476);
  EXPECT_EQ(value(reading, Signal::Finished), 1135) << "over all reasons";
  const Found& ttft = reading[at(Signal::Ttft)];
  ASSERT_EQ(ttft.parts.size(), 1u);
  EXPECT_DOUBLE_EQ(ttft.parts[0].value, 639.7448303699493);
  EXPECT_EQ(ttft.parts[0].count, 1143);
  EXPECT_EQ(reading[at(Signal::Itl)].parts.at(0).count, 35333);
  EXPECT_EQ(reading[at(Signal::Tpot)].parts.at(0).count, 1135);
  for (std::size_t s = 0; s < kSignalCount; ++s) {
    EXPECT_EQ(warning(map, reading, static_cast<Signal>(s)), "");
  }
}

TEST(SignalMap, ReadsSglangUnderLoad) {
  const SignalMap map = map_of("sglang", "0.5.23");
  const Reading reading = read(map, page_of(KP_SOURCE_DIR, "sglang-0.5.23-under-load.prom"));
  EXPECT_EQ(value(reading, Signal::Running), 8);
  EXPECT_EQ(value(reading, Signal::Waiting), 8);
  EXPECT_EQ(value(reading, Signal::KvUse), 0.18);
  EXPECT_EQ(value(reading, Signal::GenerationTokens), 768);
  EXPECT_EQ(value(reading, Signal::PrefixQueries), 1536) << "one series for two signals";
  EXPECT_EQ(value(reading, Signal::PromptTokens), 1536);
  EXPECT_EQ(reading[at(Signal::Ttft)].parts.at(0).count, 32);
  EXPECT_EQ(reading[at(Signal::Tpot)].parts.at(0).count, 24);
  EXPECT_EQ(reading[at(Signal::QueueTime)].parts.at(0).count, 33);
  EXPECT_EQ(warning(map, reading, Signal::Tpot), "");
  EXPECT_THAT(warning(map, reading, Signal::Preemptions),
              AllOf(HasSubstr("sglang:num_retracted_requests_total"),
                    HasSubstr("only once it has counted")));
}

TEST(SignalMap, ReadsLlamaCpp) {
  const SignalMap map = map_of("llama.cpp", "b6000");
  const Reading reading = read(map, page_of(KP_SOURCE_DIR, "llama.cpp-after.prom"));
  EXPECT_EQ(value(reading, Signal::Running), 0);
  EXPECT_EQ(value(reading, Signal::GenerationTokens), 13792);
  EXPECT_DOUBLE_EQ(value(reading, Signal::Tpot), 451.521);
  EXPECT_EQ(value(reading, Signal::PrefixHits), 2);
  EXPECT_EQ(value(reading, Signal::PrefixMisses), 55166);
  EXPECT_TRUE(metrics::is_missing(value(reading, Signal::KvUse)));
  EXPECT_EQ(warning(map, reading, Signal::KvUse), "") << "no build of today promises it";
  EXPECT_EQ(warning(map, reading, Signal::Ttft), "") << "it never had one";
}

TEST(SignalMap, AnOldBuildOfLlamaCppStillTellsItsKvUse) {
  const SignalMap map = map_of("llama.cpp", "");
  const Reading reading = read(map, "llamacpp:kv_cache_usage_ratio 0.4\n");
  EXPECT_EQ(value(reading, Signal::KvUse), 0.4);
  EXPECT_THAT(warning(map, reading, Signal::KvUse), HasSubstr("should have no series"));
}

TEST(SignalMap, ReadsTheOthersByTheirDocumentedNames) {
  const Reading tgi = read(map_of("tgi", "3.0.0"),
                           "tgi_queue_size 4\ntgi_batch_current_size 7\n"
                           "tgi_request_input_length_sum 1280\ntgi_request_input_length_count 10\n"
                           "tgi_request_duration_sum 12\ntgi_request_duration_count 10\n");
  EXPECT_EQ(value(tgi, Signal::Waiting), 4);
  EXPECT_EQ(value(tgi, Signal::PromptTokens), 1280);
  EXPECT_EQ(tgi[at(Signal::E2e)].parts.at(0).count, 10);

  const Reading trt = read(map_of("tensorrt-llm", "1.0.0"),
                           "trtllm_num_requests_running{model_name=\"m\",engine_type=\"t\"} 3\n"
                           "trtllm_kv_cache_utilization{model_name=\"m\"} 0.5\n"
                           "trtllm_kv_cache_reused_blocks_total 30\n"
                           "trtllm_kv_cache_missed_blocks_total 10\n");
  EXPECT_EQ(value(trt, Signal::Running), 3);
  EXPECT_EQ(value(trt, Signal::KvUse), 0.5);
  EXPECT_EQ(value(trt, Signal::PrefixHits), 30);
  EXPECT_EQ(value(trt, Signal::PrefixMisses), 10);

  const Reading triton =
      read(map_of("triton+tensorrt-llm", "25.01"),
           "nv_trt_llm_request_metrics{model=\"t\",request_type=\"waiting\",version=\"1\"} 5\n"
           "nv_trt_llm_request_metrics{model=\"t\",request_type=\"scheduled\",version=\"1\"} 9\n"
           "nv_trt_llm_request_metrics{model=\"t\",request_type=\"max\",version=\"1\"} 512\n"
           "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.25\n"
           "nv_inference_request_duration_us{model=\"t\"} 3000000\n"
           "nv_inference_first_response_histogram_ms_sum 400\n"
           "nv_inference_first_response_histogram_ms_count 4\n");
  EXPECT_EQ(value(triton, Signal::Waiting), 5);
  EXPECT_EQ(value(triton, Signal::Running), 9);
  EXPECT_EQ(value(triton, Signal::KvUse), 0.25);
  EXPECT_DOUBLE_EQ(value(triton, Signal::E2e), 3);
  EXPECT_DOUBLE_EQ(value(triton, Signal::Ttft), 0.4);
  EXPECT_EQ(triton[at(Signal::Ttft)].parts.at(0).count, 4);

  const Reading jetstream = read(map_of("jetstream", "0.3.0"),
                                 "jetstream_prefill_backlog_size 2\n"
                                 "jetstream_slots_used_percentage 0.5\n"
                                 "kv_cache_utilization_perc 0.75\n");
  EXPECT_EQ(value(jetstream, Signal::Waiting), 2);
  EXPECT_EQ(value(jetstream, Signal::KvUse), 0.75);
  EXPECT_TRUE(metrics::is_missing(value(jetstream, Signal::Running))) << "a share is no count";
}

TEST(SignalMap, TakesTheNameOfTheVersion) {
  const std::string both = "vllm:gpu_cache_usage_perc 0.1\nvllm:kv_cache_usage_perc 0.2\n";
  EXPECT_EQ(value(read(map_of("vllm", "0.9.1"), both), Signal::KvUse), 0.1);
  EXPECT_EQ(value(read(map_of("vllm", "0.10.0"), both), Signal::KvUse), 0.2);
  EXPECT_EQ(value(read(map_of("vllm", ""), both), Signal::KvUse), 0.2);
}

TEST(SignalMap, ARenamedSeriesIsUsedAndNamed) {
  const SignalMap map = map_of("vllm", "0.32.0");
  const std::string page = replaced(page_of(KP_SOURCE_DIR, "vllm-0.32.0-under-load.prom"),
                                    "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc");
  const Reading reading = read(map, page);
  EXPECT_DOUBLE_EQ(value(reading, Signal::KvUse), 0.31496062992125984);
  EXPECT_THAT(warning(map, reading, Signal::KvUse),
              AllOf(HasSubstr("vllm 0.32.0 should have vllm:kv_cache_usage_perc"),
                    HasSubstr("vllm:gpu_cache_usage_perc (the name before 0.12.0) was used")));
}

TEST(SignalMap, ANewerNameThanTheVersionsIsUsedAndNamed) {
  const SignalMap map = map_of("vllm", "0.8.5");
  const Reading reading = read(map, page_of(KP_SOURCE_DIR, "vllm-0.32.0-under-load.prom"));
  EXPECT_EQ(reading[at(Signal::Itl)].parts.at(0).count, 35333);
  EXPECT_THAT(warning(map, reading, Signal::Itl),
              AllOf(HasSubstr("should have vllm:time_per_output_token_seconds"),
                    HasSubstr("vllm:inter_token_latency_seconds (the name since 0.11.0)")));
}

TEST(SignalMap, AnAbsentSeriesIsNamed) {
  const SignalMap map = map_of("vllm", "0.32.0");
  const Reading reading = read(map, page_of(KP_SOURCE_DIR, "llm-d-inference-sim.prom"));
  EXPECT_EQ(value(reading, Signal::GenerationTokens), 5);
  EXPECT_THAT(warning(map, reading, Signal::Preemptions),
              HasSubstr("vllm 0.32.0 should have vllm:num_preemptions_total for preemptions"));
  EXPECT_EQ(warning(map, reading, Signal::Running), "");
}

TEST(SignalMap, GatewaysMayRewriteColonsAndTotals) {
  const SignalMap map = map_of("vllm", "0.32.0");
  const Reading reading = read(map, "vllm_num_requests_running 3\nvllm:prompt_tokens 7\n");
  EXPECT_EQ(value(reading, Signal::Running), 3);
  EXPECT_EQ(value(reading, Signal::PromptTokens), 7);
  EXPECT_EQ(warning(map, reading, Signal::PromptTokens), "");
}

TEST(SignalMap, EnginesAddUpAndTheirCachesAreAveraged) {
  const Reading reading = read(map_of("vllm", "0.32.0"),
                               "vllm:num_requests_running{engine=\"0\"} 3\n"
                               "vllm:num_requests_running{engine=\"1\"} 5\n"
                               "vllm:kv_cache_usage_perc{engine=\"0\"} 0.2\n"
                               "vllm:kv_cache_usage_perc{engine=\"1\"} 0.6\n"
                               "vllm:kv_cache_usage_perc{engine=\"2\"} NaN\n");
  EXPECT_EQ(value(reading, Signal::Running), 8);
  EXPECT_DOUBLE_EQ(value(reading, Signal::KvUse), 0.4) << "one that tells nothing does not count";
}

TEST(SignalMap, ShardsOfOneEngineCountOnce) {
  const Reading reading = read(map_of("sglang", "0.5.23"),
                               "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"1\"} 4\n"
                               "sglang:num_running_reqs{tp_rank=\"0\",dp_rank=\"0\"} 3\n"
                               "sglang:num_running_reqs{dp_rank=\"1\",tp_rank=\"0\"} 5\n");
  EXPECT_EQ(value(reading, Signal::Running), 8);
}

TEST(SignalMap, APageOfAnotherKindIsSaid) {
  const SignalMap map = map_of("tensorrt-llm", "1.0.0");
  EXPECT_THAT(map.read("[{\"iter\":1}]").error().message, HasSubstr("/prometheus/metrics"));
  EXPECT_THAT(map.read("\n<!doctype html>").error().message, HasSubstr("HTML"));
}

TEST(SignalMap, AnUnknownServerIsSaid) {
  const auto map = SignalMap::of(shipped_catalog(KP_BINARY_DIR), "ollama", "");
  ASSERT_FALSE(map);
  EXPECT_EQ(map.error().code, ErrorCode::NotFound);
  EXPECT_THAT(map.error().message, HasSubstr("'ollama'"));
}

}  // namespace
}  // namespace kneepoint::scrape
