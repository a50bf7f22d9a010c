#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "app/predicted_rows.h"
#include "catalog/server_hardware.h"

namespace kneepoint::app {
namespace {

using catalog::checkpoint_format;
using catalog::ServerHardware;
using testing::Contains;
using testing::Not;

const catalog::Catalog& shipped() {
  static const auto opened = catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {});
  return *opened;
}

bool runs(const char* server, const char* accelerator, const char* format) {
  return ServerHardware(shipped()).runs(server, *shipped().accelerator(accelerator), format);
}

TEST(ServerHardware, KeepsServersToTheVendorsTheyRunOn) {
  EXPECT_TRUE(runs("tensorrt-llm", "nvidia-h100-80gb", "bf16"));
  EXPECT_FALSE(runs("tensorrt-llm", "amd-mi300x", "bf16"));
  EXPECT_FALSE(runs("tensorrt-llm", "tpu-v6e-slice", "bf16"));
  EXPECT_TRUE(runs("sglang", "amd-mi300x", "bf16"));
  EXPECT_FALSE(runs("sglang", "intel-arc-pro-b60", "bf16"));
  EXPECT_FALSE(runs("vllm", "nvidia-tesla-p4", "bf16"));
}

TEST(ServerHardware, KeepsFormatsToTheGenerationsThatRunThem) {
  EXPECT_TRUE(runs("vllm", "nvidia-tesla-a100", "fp8"));  // weights only
  EXPECT_FALSE(runs("tensorrt-llm", "nvidia-tesla-a100", "fp8"));
  EXPECT_FALSE(runs("vllm", "nvidia-tesla-t4", "mxfp4"));
  EXPECT_FALSE(runs("vllm", "nvidia-tesla-v100", "fp8"));
  EXPECT_FALSE(runs("vllm", "amd-mi250", "fp8"));
  EXPECT_FALSE(runs("vllm", "amd-mi355x", "nvfp4"));
  EXPECT_TRUE(runs("vllm", "amd-mi355x", "mxfp4"));
  EXPECT_FALSE(runs("tensorrt-llm", "nvidia-h100-80gb", "nvfp4"));
  EXPECT_TRUE(runs("tensorrt-llm", "nvidia-b200", "nvfp4"));
  for (const char* fp4 : {"nvfp4", "mxfp4"}) EXPECT_FALSE(runs("vllm-tpu", "tpu-v5p-slice", fp4));
}

TEST(ServerHardware, TpusAreServedByTheirOwnBuildOfVllm) {
  EXPECT_FALSE(runs("vllm", "tpu-v6e-slice", "bf16"));
  EXPECT_TRUE(runs("vllm-tpu", "tpu-v6e-slice", "bf16"));
  EXPECT_THAT(ServerHardware(shipped()).family("vllm"), Contains("vllm-tpu"));
  EXPECT_THAT(ServerHardware(shipped()).family("vllm"), Not(Contains("sglang")));
}

TEST(ServerHardware, ChecksAnUnstatedFormatAgainstWhatItMayBe) {
  EXPECT_TRUE(runs("vllm", "nvidia-h100-80gb", ""));
  EXPECT_FALSE(runs("vllm", "nvidia-tesla-v100", ""));
}

TEST(ServerHardware, EndsWithTheNewestReleaseThatStillRunsThere) {
  const ServerHardware hardware(shipped());
  const auto on = [](std::string_view id) { return *shipped().accelerator(id); };
  EXPECT_TRUE(hardware.runs_release("vllm", on("nvidia-tesla-v100"), "0.14.1"));
  EXPECT_FALSE(hardware.runs_release("vllm", on("nvidia-tesla-v100"), "0.19.0-cu130"));
  EXPECT_TRUE(hardware.runs_release("vllm", on("nvidia-l4"), "0.19.0-cu130"));
  EXPECT_FALSE(hardware.runs_release("vllm", on("tpu-v6e-slice"), "0.12.0"));
}

/// What was measured runs: the table may not say otherwise.
TEST(ServerHardware, AllowsWhatWasMeasured) {
  const ServerHardware hardware(shipped());
  const catalog::Table& rows = *shipped().raw(0, "profiles");
  std::set<std::string> wrong;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const std::string server(rows.text(r, "model_server"));
    const catalog::Accelerator* on = shipped().accelerator(rows.text(r, "accelerator"));
    if (!hardware.knows(server) || on == nullptr) continue;
    std::string precision(rows.text(r, "weight_precision"));
    if (precision.empty()) continue;
    const bool fp4 = precision == "fp4";
    const bool ok = fp4 ? hardware.runs(server, *on, "nvfp4") || hardware.runs(server, *on, "mxfp4")
                        : hardware.runs(server, *on, precision);
    const std::string version(rows.text(r, "model_server_version"));
    if (!hardware.runs_release(server, *on, version)) wrong.insert(server + " " + version);
    if (!ok) wrong.insert(server + " on " + on->id + ": " + precision);
  }
  EXPECT_TRUE(wrong.empty()) << testing::PrintToString(wrong);
}

TEST(ServerHardware, EveryPlannedRowObeysIt) {
  const auto plan = plan_rows(shipped(), {});
  ASSERT_TRUE(plan);
  const ServerHardware hardware(shipped());
  for (const PlannedRow& row : *plan) {
    const auto& setup = row.question.setup;
    ASSERT_TRUE(hardware.runs(setup.model_server, *shipped().accelerator(setup.accelerator),
                              checkpoint_format(*shipped().model(setup.model))))
        << setup.model << " " << setup.model_server << " " << setup.accelerator;
  }
}

}  // namespace
}  // namespace kneepoint::app
