#include "scrape/detect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scrape/testing/pages.h"

namespace kneepoint::scrape {
namespace {

using ::testing::HasSubstr;

std::optional<Identity> seen(std::string_view page, std::vector<Document> documents = {},
                             std::string_view field = "") {
  return detect(shipped_catalog(KP_BINARY_DIR), page, field, documents);
}

TEST(Detect, TheServerIsToldByItsSeriesAndTheVersionByItsDocument) {
  const auto vllm = seen(page_of(KP_SOURCE_DIR, "vllm-0.32.0-after.prom"),
                         {{"/version", "{\"version\":\"0.32.0\"}"}}, "uvicorn");
  ASSERT_TRUE(vllm);
  EXPECT_EQ(vllm->server, "vllm");
  EXPECT_EQ(vllm->version, "0.32.0");
  EXPECT_THAT(vllm->how, HasSubstr("version by /version"));

  const auto sglang = seen(page_of(KP_SOURCE_DIR, "sglang-0.5.23-under-load.prom"),
                           {{"/get_server_info", R"({"model_path":"m","version":"0.5.23"})"}});
  ASSERT_TRUE(sglang);
  EXPECT_EQ(sglang->server, "sglang");
  EXPECT_EQ(sglang->version, "0.5.23");

  const auto llama = seen(page_of(KP_SOURCE_DIR, "llama.cpp-idle.prom"),
                          {{"/props", R"({"build_info":"b6123-0a1b2c3"})"}}, "llama.cpp");
  ASSERT_TRUE(llama);
  EXPECT_EQ(llama->server, "llama.cpp");
  EXPECT_EQ(llama->version, "b6123-0a1b2c3");
}

TEST(Detect, TheOthersByTheirSeries) {
  EXPECT_EQ(seen("tgi_queue_size 1\n")->server, "tgi");
  EXPECT_EQ(seen("trtllm_num_requests_running 1\n")->server, "tensorrt-llm");
  EXPECT_EQ(seen("nv_inference_request_success 1\n")->server, "triton+tensorrt-llm");
  EXPECT_EQ(seen("jetstream_prefill_backlog_size 1\n")->server, "jetstream");
  EXPECT_EQ(seen("trtllm:num_requests_running 1\n")->server, "tensorrt-llm");
}

TEST(Detect, WithoutMetricsByWhatElseItSays) {
  EXPECT_EQ(seen("", {{"/v1/models", R"({"data":[{"id":"m","owned_by":"vllm"}]})"}})->server,
            "vllm");
  EXPECT_EQ(seen("", {}, "llama.cpp")->server, "llama.cpp");
  EXPECT_EQ(seen("", {{"/get_server_info", R"({"version":"0.4.0"})"}})->version, "0.4.0");
  const auto tgi = seen("", {{"/info", R"({"model_id":"m","version":"3.0.1"})"}});
  EXPECT_EQ(tgi->server, "tgi");
  EXPECT_EQ(tgi->version, "3.0.1");
}

TEST(Detect, SaysNothingWhereNothingTells) {
  EXPECT_FALSE(seen(""));
  EXPECT_FALSE(seen("process_cpu_seconds_total 1\n", {{"/version", "nonsense"}}, "nginx"));
  EXPECT_FALSE(seen("{\"not\":\"metrics\"}"));
}

TEST(Detect, AVersionThatIsNoTextIsNone) {
  EXPECT_EQ(seen("vllm:num_requests_running 1\n", {{"/version", R"({"version":[1]})"}})->version,
            "");
  EXPECT_EQ(seen("vllm:num_requests_running 1\n", {{"/version", "[]"}})->version, "");
}

}  // namespace
}  // namespace kneepoint::scrape
