#include "perfmodel/kv_capacity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalog/catalog.h"

namespace kneepoint::perfmodel {
namespace {

struct Reported {
  const char* model;
  int tensor;
  const char* weights;
  double blocks;  // of 16 tokens, in the server's start-up log
};

// vLLM 0.15.1 on H100 80 GB, gpu-memory-utilization 0.9.
constexpr Reported kReported[] = {
    {"Qwen/Qwen2.5-7B-Instruct", 1, "", 65352},
    {"meta-llama/Llama-2-7b-hf", 1, "", 7463},
    {"meta-llama/Llama-3.1-70B-Instruct", 4, "", 30425},
};

double capacity(const char* model_id, const char* accelerator_id, const MemorySetup& setup,
                const char* server, double tokens) {
  static const auto catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  static const auto tables = OperatorTables::open(KP_BINARY_DIR "/kneepoint.operators").value();
  const auto& model = *catalog.model(model_id);
  const auto& accelerator = *catalog.accelerator(accelerator_id);
  const auto steps = compile_steps(tables, model, accelerator, setup).value();
  return kv_capacity_tokens(steps, model, accelerator, setup, server, tokens).value();
}

MemorySetup split(int tensor) {
  MemorySetup setup;
  setup.accelerators = setup.tensor_parallel = tensor;
  return setup;
}

TEST(KvCapacity, IsWithinATenthOfTheBlocksThatServersReport) {
  for (const Reported& row : kReported) {
    const double tokens = capacity(row.model, "nvidia-h100-80gb", split(row.tensor), "vllm", 4096);
    EXPECT_NEAR(tokens / (row.blocks * 16), 1, 0.10) << row.model;
    EXPECT_LT(tokens, row.blocks * 16 * 1.02) << row.model << ": promised what is not there";
  }
}

TEST(KvCapacity, LayersWithAWindowLeaveRoomForLongerRequests) {
  const auto at = [](double tokens) {
    return capacity("openai/gpt-oss-120b", "nvidia-h200-141gb", split(1), "vllm", tokens);
  };
  EXPECT_NEAR(at(64'000) / at(100), 2, 0.02);  // half of the layers see 128 tokens
}

TEST(KvCapacity, TensorRtTakesItsShareOfWhatIsFree) {
  const auto* model = "meta-llama/Llama-3.3-70B-Instruct";
  auto setup = split(4);
  setup.utilization = 0.5;
  EXPECT_GT(capacity(model, "nvidia-h100-80gb", setup, "tensorrt-llm", 1000),
            2 * capacity(model, "nvidia-h100-80gb", setup, "vllm", 1000));
}

TEST(KvCapacity, IsNothingWhereTheWeightsDoNotFit) {
  EXPECT_EQ(capacity("meta-llama/Llama-3.3-70B-Instruct", "nvidia-l4", split(1), "vllm", 1), 0);
}

}  // namespace
}  // namespace kneepoint::perfmodel
