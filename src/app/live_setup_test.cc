#include "app/live_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kneepoint::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const catalog::Catalog& shipped() {
  static const auto opened = catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {});
  return opened.value();
}

json::Object deployment(const std::string& image, const std::string& args,
                        const std::string& rest = "") {
  return json::parse(R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"chat"},
    "spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"server","image":")" +
                     image + R"(","args":[)" + args + R"(],
      "resources":{"limits":{"nvidia.com/gpu":"2"}}}])" +
                     rest + "}}}}")
      ->get_object();
}

TEST(LiveSetup, ComesFromImageArgumentsAndLimits) {
  const auto live =
      setup_of(shipped(),
               deployment("vllm/vllm-openai:v0.11.0",
                          R"("--model=org/model","--tensor-parallel-size=2","--kv-cache-dtype=fp8",
                        "--api-key=sk-1234567890")"));
  ASSERT_TRUE(live) << live.error().message;
  EXPECT_EQ(live->setup.model, "org/model");
  EXPECT_EQ(live->setup.model_server, "vllm");
  EXPECT_EQ(live->setup.model_server_version, "0.11.0");
  EXPECT_EQ(live->setup.accelerator_count, 2);
  EXPECT_EQ(live->setup.tensor_parallel, 2);
  EXPECT_EQ(live->setup.kv_precision, "fp8");
  EXPECT_EQ(live->replicas, 3);
  EXPECT_THAT(live->setup.server_settings, testing::Not(HasSubstr("sk-")));
  EXPECT_THAT(live->unknown, ElementsAre(HasSubstr("any node")));
}

TEST(LiveSetup, SaysWhatIsNotTold) {
  const auto live =
      setup_of(shipped(), deployment("vllm/vllm-openai:latest", R"("--model=/data/m")"));
  ASSERT_TRUE(live) << live.error().message;
  EXPECT_EQ(live->setup.model, "");
  EXPECT_EQ(live->setup.checkpoint, "/data/m");
  EXPECT_THAT(live->unknown, testing::Contains(HasSubstr("the version of vllm")));
  EXPECT_THAT(live->unknown, testing::Contains(HasSubstr("/data/m is a folder")));
}

TEST(LiveSetup, IsNoneWithoutAModelServer) {
  const auto live = setup_of(shipped(), deployment("nginx:1", ""));
  ASSERT_FALSE(live);
  EXPECT_EQ(live.error().code, ErrorCode::Unsatisfiable);
}

}  // namespace
}  // namespace kneepoint::app
