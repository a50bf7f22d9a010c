#include "predict/deployment.h"

#include <gtest/gtest.h>

#include "predict/engine_limits.h"
#include "predict/load_shape.h"
#include "predict/server_settings.h"
#include "predict/substitute.h"

namespace kneepoint::predict {
namespace {

const catalog::Catalog& shipped() {
  static const auto catalog =
      catalog::Catalog::open(std::string(KP_BINARY_DIR) + "/kneepoint.catalog", {});
  return *catalog;
}

Question question() {
  Question q;
  q.setup.model = "meta-llama/Llama-3.1-70B-Instruct";
  q.setup.model_server = "vllm";
  q.setup.model_server_version = "0.11.2";
  q.setup.accelerator = "nvidia-h100-80gb";
  q.setup.accelerator_count = 4;
  q.setup.weight_precision = "fp8";
  q.workload.name = "random:1024/1024:range0.8";
  q.workload.input_tokens_nominal = q.workload.output_tokens_nominal = 1024;
  q.workload.input_tokens_mean = q.workload.output_tokens_mean = 921.5;
  q.load = 32;
  return q;
}

TEST(ServerSettings, ReadsPublishedOptionsAndCommandLines) {
  const ServerSettings s("max_num_seqs=64;yaml.max-num-batched-tokens=8192;var.EP=1|8;flag");
  EXPECT_EQ(s.number({"max-num-seqs"}), 64);
  EXPECT_EQ(s.number({"max-num-batched-tokens"}), 8192);
  EXPECT_FALSE(s.number({"ep"}));
  EXPECT_TRUE(s.has("flag"));
  const ServerSettings line("python3 -m server --model-path m/x --tp-size 8 --dp-size=4 --on");
  EXPECT_EQ(line.number({"tp-size"}), 8);
  EXPECT_EQ(line.number({"dp-size"}), 4);
  EXPECT_TRUE(line.has("on"));
  EXPECT_EQ(line.text({"model-path"}), "m/x");
}

TEST(ServerSettings, PlainFormsComeBeforeFilesAndScripts) {
  const ServerSettings s("yaml.x=2;x=$X;var.x=3");
  EXPECT_EQ(s.text({"x"}), "$X");
  EXPECT_EQ(s.number({"x"}), 2);
}

TEST(Deploy, TensorRtMultipliesPerTensorFp8FasterThanTheTables) {
  Question q = question();
  EXPECT_EQ(deploy(q, shipped())->gemm_factor, 1);
  q.setup.model_server = "tensorrt-llm";
  EXPECT_LT(deploy(q, shipped())->gemm_factor, 1);
  q.setup.weight_precision = "bf16";
  EXPECT_EQ(deploy(q, shipped())->gemm_factor, 1);
}

TEST(EngineOf, HasTheLimitsOfTheDeployment) {
  Question q = question();
  const auto chunked = deploy(q, shipped());
  EXPECT_EQ(engine_of(*chunked, 1e5, 40'000).max_model_len, 40'000);
  EXPECT_TRUE(engine_of(*chunked, 1e5, 40'000).chunked_prefill);
  EXPECT_EQ(engine_of(*chunked, 1e5, 40'000).num_blocks, 100'000 / 16);
  q.setup.model_server = "tensorrt-llm";
  const auto whole = deploy(q, shipped());
  EXPECT_FALSE(engine_of(*whole, 1e5, 40'000).chunked_prefill);
}

TEST(FindModel, KnowsAnArchitectureUnderItsOtherNames) {
  EXPECT_TRUE(find_model(shipped(), "Qwen/Qwen3-32B").exact);
  const auto tuned = find_model(shipped(), "someone/Qwen3-32B-Instruct-AWQ");
  ASSERT_NE(tuned.row, nullptr);
  EXPECT_TRUE(tuned.alike);
  EXPECT_EQ(architecture_name(tuned.row->id), "qwen3-32b-");
}

TEST(FindModel, TakesTheNearestSizeOfAnUnknownOne) {
  const auto dense = find_model(shipped(), "new-lab/Brandnew-9B");
  ASSERT_NE(dense.row, nullptr);
  EXPECT_FALSE(dense.exact);
  EXPECT_GT(*dense.row->params_b, 6);
  EXPECT_LT(*dense.row->params_b, 13);
  const auto sparse = find_model(shipped(), "new-lab/Brandnew-200B-A20B");
  EXPECT_LT(*sparse.row->active_params_b, 40);
  EXPECT_GT(*sparse.row->params_b, 100);
}

TEST(Deploy, FillsWhatNobodyStated) {
  const auto d = deploy(question(), shipped());
  ASSERT_TRUE(d) << d.error().message;
  EXPECT_EQ(d->tensor, 4);
  EXPECT_EQ(d->data, 1);
  EXPECT_TRUE(d->split_guessed);
  EXPECT_EQ(d->token_budget, 8192);
  EXPECT_EQ(d->utilization, 0.9);
  EXPECT_EQ(d->rules, sim::ServerRules::Vllm);
}

TEST(Deploy, TakesLimitsFromTheSettings) {
  Question q = question();
  q.setup.server_settings =
      "max-num-seqs=48;max-num-batched-tokens=$((ISL*2));gpu-memory-utilization=0.95";
  const auto d = deploy(q, shipped());
  ASSERT_TRUE(d);
  EXPECT_EQ(d->max_sequences, 48);
  EXPECT_EQ(d->token_budget, 2 * 921.5);
  EXPECT_EQ(d->utilization, 0.95);
}

TEST(Deploy, HasTheRulesOfEachServer) {
  Question q = question();
  q.setup.model_server = "tensorrt-llm";
  EXPECT_EQ(deploy(q, shipped())->rules, sim::ServerRules::TensorRtLlm);
  EXPECT_EQ(deploy(q, shipped())->kv_precision, "fp8");
  q.setup.model_server = "sglang+atom";
  EXPECT_EQ(deploy(q, shipped())->rules, sim::ServerRules::Sglang);
  q.setup.model_server = "vllm";
  q.setup.weight_precision = "fp4";
  EXPECT_EQ(deploy(q, shipped())->kv_precision, "fp8");
}

TEST(Deploy, RefusesTheUnknownUnlessAnyAnswerIsWanted) {
  Question q = question();
  q.setup.model = "nobody/Unheard-of";
  const auto refused = deploy(q, shipped());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::NotFound);
  q.answer_anyway = true;
  const auto answered = deploy(q, shipped());
  ASSERT_TRUE(answered);
  EXPECT_TRUE(answered->stood_in);
  EXPECT_FALSE(answered->notes.empty());
}

TEST(LoadOf, SharesClientsOverRanks) {
  Deployment d;
  d.data = 4;
  Question q = question();
  q.load = 64;
  const sim::Load load = load_of(q, d);
  EXPECT_EQ(load.pattern, sim::LoadPattern::Closed);
  EXPECT_EQ(load.load, 16);
  EXPECT_EQ(load.requests, 160);
  EXPECT_EQ(load.input.kind, workload::LengthKind::Uniform);
  EXPECT_EQ(load.input.second, 1024);
}

TEST(LoadOf, KnowsLengthsDrawnFromOneUpwards) {
  Question q = question();
  q.workload.name = "random:1000/1000";
  q.workload.input_tokens_nominal = 1000;
  q.workload.input_tokens_mean = 500;
  EXPECT_EQ(load_of(q, {}).input.first, 1);
}

TEST(LoadOf, ArrivalsArePoissonUnlessAClientIsKnownToSpaceThem) {
  Question q = question();
  q.load_kind = curve::LoadKind::RequestRate;
  q.load = 5;
  EXPECT_EQ(load_of(q, {}).pattern, sim::LoadPattern::Poisson);
  q.workload.name = "shared-prefix:codegen:sys100+q466/out247:groups10x10";
  const sim::Load load = load_of(q, {});
  EXPECT_EQ(load.pattern, sim::LoadPattern::Constant);
  EXPECT_GT(load.cached_prefix, 900);
}

Question apart() {
  Question q = question();
  q.setup.decoding = "disaggregated";
  q.setup.accelerator_count.reset();
  q.setup.prefill.workers = 2;
  q.setup.prefill.tensor_parallel = 4;
  q.setup.decode.workers = 3;
  q.setup.decode.tensor_parallel = 8;
  return q;
}

TEST(Deployment, HasWorkersForPromptsWhereTheSetupSaysHowMany) {
  const auto d = deploy(apart(), shipped());
  ASSERT_TRUE(d);
  EXPECT_EQ(d->accelerators, 8);  // of a worker that decodes
  EXPECT_EQ(d->tensor, 8);
  EXPECT_EQ(d->decode_workers, 3);
  EXPECT_EQ(d->prefill_workers, 2);
  const Deployment prefill = prefill_worker(*d);
  EXPECT_EQ(prefill.accelerators, 4);
  EXPECT_EQ(prefill.tensor, 4);
  EXPECT_GE(prefill.token_budget, 8192);
  EXPECT_FALSE(prefill.prefill);
}

TEST(Deployment, OfDataParallelAttentionHasRanksInEachWorker) {
  Question q = apart();
  q.setup.decode.attention_dp = true;
  const auto d = deploy(q, shipped());
  ASSERT_TRUE(d);
  EXPECT_EQ(d->tensor, 1);
  EXPECT_EQ(d->data, 8);
  EXPECT_EQ(prefill_worker(*d).tensor, 4);
}

TEST(Deployment, WidensWorkersThatCannotHoldTheModelAndSaysSo) {
  Question q = apart();
  q.setup.weight_precision = "bf16";  // 141 GB
  q.setup.prefill.tensor_parallel = 1;
  const auto d = deploy(q, shipped());
  ASSERT_TRUE(d);
  EXPECT_EQ(prefill_worker(*d).accelerators, 2);
  ASSERT_FALSE(d->notes.empty());
  EXPECT_NE(d->notes.front().find("workers of 2 taken"), std::string::npos) << d->notes.front();
}

TEST(Deployment, WithoutWorkersADisaggregatedSetupIsOneDeploymentAndItIsSaid) {
  Question q = apart();
  q.setup.prefill = q.setup.decode = {};
  q.setup.accelerator_count = 8;
  const auto d = deploy(q, shipped());
  ASSERT_TRUE(d);
  EXPECT_FALSE(d->prefill);
  EXPECT_NE(d->notes.back().find("as one deployment"), std::string::npos);
}

}  // namespace
}  // namespace kneepoint::predict
