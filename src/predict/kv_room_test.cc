#include "predict/kv_room.h"

#include <gtest/gtest.h>

namespace kneepoint::predict {
namespace {

struct Reported {
  const char* model;
  int tensor;
  double blocks;  // of 16 tokens, in the server's start-up log
};

// vLLM 0.15.1 on H100 80 GB, bf16, gpu-memory-utilization 0.9.
constexpr Reported kReported[] = {
    {"Qwen/Qwen2.5-7B-Instruct", 1, 65352},
    {"meta-llama/Llama-2-7b-hf", 1, 7463},
    {"meta-llama/Llama-3.1-70B-Instruct", 4, 30425},
};

Question question(const char* model, const char* accelerator, int tensor) {
  Question q;
  q.setup.model = model;
  q.setup.model_server = "vllm";
  q.setup.model_server_version = "0.15.1";
  q.setup.accelerator = accelerator;
  q.setup.accelerator_count = q.setup.tensor_parallel = tensor;
  q.setup.weight_precision = "bf16";
  return q;
}

Result<double> room(const Question& asked, double tokens, bool answer_anyway = false) {
  static const auto catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  static const auto tables =
      perfmodel::OperatorTables::open(KP_BINARY_DIR "/kneepoint.operators").value();
  const Deployment d = deploy(asked, catalog).value();
  const auto steps =
      perfmodel::compile_steps(tables, *d.model, *d.accelerator, memory_setup(d)).value();
  return kv_room(d, steps, tokens, answer_anyway);
}

TEST(KvRoom, IsWithinATenthOfTheBlocksThatServersReport) {
  for (const Reported& row : kReported) {
    const double reported = row.blocks * 16;
    const double tokens = *room(question(row.model, "nvidia-h100-80gb", row.tensor), 4096);
    EXPECT_NEAR(tokens / reported, 1, 0.10) << row.model;
    EXPECT_LT(tokens, reported * 1.02) << row.model << ": promised what is not there";
  }
}

TEST(KvRoom, LayersWithAWindowLeaveRoomForLongerRequests) {
  Question q = question("openai/gpt-oss-120b", "nvidia-h200-141gb", 1);
  q.setup.weight_precision = "fp4";
  EXPECT_NEAR(*room(q, 64'000) / *room(q, 100), 2, 0.02);  // half of the layers see 128 tokens
}

TEST(KvRoom, WhatTheServerSaidCounts) {
  Question q = question("Qwen/Qwen2.5-7B-Instruct", "nvidia-h100-80gb", 1);
  q.setup.server_settings = "num-gpu-blocks-override=1000";
  EXPECT_EQ(*room(q, 4096), 16'000);
}

TEST(KvRoom, WeightsThatDoNotFitAreAnErrorThatSaysWhatToDo) {
  const Question q = question("meta-llama/Llama-3.3-70B-Instruct", "nvidia-l4", 1);
  const auto refused = room(q, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Unsatisfiable);
  EXPECT_NE(refused.error().message.find("use more accelerators"), std::string::npos);
  EXPECT_GT(*room(q, 1, true), 0);
}

}  // namespace
}  // namespace kneepoint::predict
