#include "perfmodel/compiled_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

#include "catalog/catalog.h"
#include "perfmodel/parted_step_time.h"

namespace kneepoint::perfmodel {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const catalog::Catalog& shipped() {
  static const auto catalog =
      catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  return catalog;
}

const OperatorTables& tables() {
  static const auto tables = OperatorTables::open(KP_BINARY_DIR "/kneepoint.operators").value();
  return tables;
}

MemorySetup split(int tensor, std::string_view weights = "", std::string_view kv = "") {
  MemorySetup setup;
  setup.accelerators = setup.tensor_parallel = tensor;
  setup.weight_precision = weights;
  setup.kv_precision = kv;
  return setup;
}

CompiledSteps compiled(std::string_view model, std::string_view accelerator,
                       const MemorySetup& setup) {
  return compile_steps(tables(), *shipped().model(model), *shipped().accelerator(accelerator),
                       setup)
      .value();
}

double part(const PartAmounts& amounts, Part which) {
  return amounts[static_cast<std::size_t>(which)];
}

double total(const PartAmounts& amounts) {
  PartCoefficients tables_only{};
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Part::Head); ++i) tables_only[i] = 1;
  return dot(amounts, tables_only);
}

StepShape decoding(std::int64_t sequences, std::int64_t context) {
  StepShape shape;
  shape.decodes = sequences;
  shape.decode_context = sequences * context;
  return shape;
}

constexpr auto kLlama8 = "meta-llama/Llama-3.1-8B-Instruct";
constexpr auto kLlama70 = "meta-llama/Llama-3.3-70B-Instruct";

TEST(CompiledSteps, OneSequenceOfLlama8bTakesAboutWhatItsWeightsTakeToRead) {
  const auto steps = compiled(kLlama8, "nvidia-h100-80gb", split(1));
  const double weights = (8.03e9 - 128256.0 * 4096) * 2;  // the embedding table is not read
  const double roofline = weights / 3350;
  const double nanos = total(steps.amounts(decoding(1, 100)));
  EXPECT_GT(nanos, roofline);
  EXPECT_LT(nanos, 1.35 * roofline);
}

TEST(CompiledSteps, MoreTokensNeverTakeLess) {
  for (const auto* model : {kLlama8, "openai/gpt-oss-120b", "deepseek-ai/DeepSeek-R1"}) {
    const auto steps = compiled(model, "nvidia-h200-141gb", split(8));
    double before = 0;
    for (std::int64_t batch = 1; batch <= 6000; batch += 1 + batch / 7) {
      const double now = total(steps.amounts(decoding(batch, 1000)));
      ASSERT_GE(now, before) << model << " at " << batch;
      before = now;
    }
    before = 0;
    for (std::int64_t context = 1; context <= 200'000; context += 1 + context / 7) {
      const double now = total(steps.amounts(decoding(16, context)));
      ASSERT_GE(now, before) << model << " at " << context;
      before = now;
    }
    before = 0;
    for (std::int64_t tokens = 1; tokens <= 100'000; tokens += 1 + tokens / 9) {
      const double now = steps.prompt_attention(static_cast<double>(tokens));
      ASSERT_GE(now, before) << model << " at " << tokens;
      before = now;
    }
  }
}

TEST(CompiledSteps, TensorRanksShareTheMatrices) {
  const auto one = compiled(kLlama70, "nvidia-h200-141gb", split(1));
  const auto eight = compiled(kLlama70, "nvidia-h200-141gb", split(8));
  const auto shape = decoding(32, 2000);
  const double ratio =
      part(one.amounts(shape), Part::DecodeGemm) / part(eight.amounts(shape), Part::DecodeGemm);
  EXPECT_GT(ratio, 4);
  EXPECT_LT(ratio, 8.01);
  EXPECT_EQ(part(one.amounts(shape), Part::DecodeExchange), 0);
  EXPECT_GT(part(eight.amounts(shape), Part::DecodeExchange), 0);
}

TEST(CompiledSteps, MoreBandwidthIsNeverSlower) {
  for (const auto* id : {"nvidia-l4", "amd-mi300x"}) {
    for (const auto* name : {kLlama8, "openai/gpt-oss-20b", "deepseek-ai/DeepSeek-V2-Lite"}) {
      auto device = *shipped().accelerator(id);
      std::vector<double> before(6, 1e18);
      for (double bandwidth = 100; bandwidth < 10'000; bandwidth *= 1.13) {
        device.mem_bw_gbs = bandwidth;
        const auto steps =
            compile_steps(tables(), *shipped().model(name), device, split(1)).value();
        std::vector<double> now;
        for (const std::int64_t batch : {1, 8, 64, 512})
          now.push_back(total(steps.amounts(decoding(batch, 2000))));
        for (const std::int64_t tokens : {300, 8192}) {
          const PrefillChunk chunk{tokens, 0};
          StepShape shape;
          shape.prefills = {&chunk, 1};
          shape.prefill_tokens = tokens;
          now.push_back(total(steps.amounts(shape)));
        }
        for (std::size_t i = 0; i < now.size(); ++i)
          EXPECT_LE(now[i], before[i] * 1.0001)
              << name << " on " << id << " at " << bandwidth << " GB/s, step " << i;
        before = now;
      }
    }
  }
}

TEST(CompiledSteps, AnAcceleratorWithoutTablesSaysSo) {
  const auto steps = compiled(kLlama8, "nvidia-l4", split(1));
  EXPECT_THAT(steps.extrapolated, Contains(HasSubstr("no kernel table of nvidia-l4")));
  EXPECT_THAT(steps.extrapolated, Contains(HasSubstr("l40s")));
  // 16 GB at 300 GB/s: 50 ms at best.
  const double nanos = total(steps.amounts(decoding(1, 500)));
  EXPECT_GT(nanos, 50e6);
  EXPECT_LT(nanos, 75e6);
}

TEST(CompiledSteps, AMeasuredAcceleratorAndAWholeModelExtrapolateNothing) {
  EXPECT_TRUE(compiled(kLlama8, "nvidia-h100-80gb", split(1)).extrapolated.empty());
}

TEST(CompiledSteps, AMissingFigureIsAnErrorThatNamesIt) {
  catalog::Accelerator bare = *shipped().accelerator("nvidia-tesla-t4");
  bare.bf16_tflops.reset();
  const auto steps = compile_steps(tables(), *shipped().model(kLlama8), bare, split(1));
  ASSERT_FALSE(steps);
  EXPECT_THAT(steps.error().message, HasSubstr("bf16_tflops_dense"));
}

TEST(CompiledSteps, EveryModelOnEveryAcceleratorThatHasFigures) {
  const auto started = std::chrono::steady_clock::now();
  int count = 0;
  for (const catalog::Accelerator& accelerator : shipped().accelerators()) {
    for (const catalog::Model& model : shipped().models()) {
      // One split each, all of them in turn: the product of all three is not worth the wait.
      const int ranks = 1 << (count % 5);
      auto setup = split(ranks, count % 3 == 0 ? "fp8" : "", count % 2 == 0 ? "fp8" : "");
      if (model.experts && ranks > 1 && count % 4 == 1) {
        setup.tensor_parallel = 1;
        setup.data_parallel = setup.expert_parallel = ranks;
      }
      ++count;
      const auto steps = compile_steps(tables(), model, accelerator, setup);
      if (!accelerator.mem_bw_gbs || !accelerator.bf16_tflops) {
        ASSERT_FALSE(steps) << accelerator.id;
        continue;
      }
      ASSERT_TRUE(steps) << model.id << " on " << accelerator.id << ": " << steps.error().message;
      const double decode = total(steps->amounts(decoding(8, 1000)));
      ASSERT_TRUE(std::isfinite(decode)) << model.id << " on " << accelerator.id;
      ASSERT_GT(decode, 1e4) << model.id << " on " << accelerator.id;
      ASSERT_LT(decode, 100e9) << model.id << " on " << accelerator.id;
      ASSERT_GT(steps->weights_bytes_per_accelerator, 0) << model.id;
      ASSERT_GT(steps->kv_bytes_per_token, 0) << model.id;
    }
    // Sanitizers slow this down; the first accelerators have the tables.
    if (std::chrono::steady_clock::now() - started > std::chrono::seconds(20)) break;
  }
  EXPECT_GT(count, 1000);
}

TEST(PartedStepTime, IsTheDotProductOfAmountsAndCoefficients) {
  std::mt19937_64 random(7);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  const auto steps = compiled("deepseek-ai/DeepSeek-R1", "nvidia-b200", split(8, "fp4", "fp8"));
  PartCoefficients coefficients = default_coefficients();
  for (double& value : coefficients) value *= 0.5 + static_cast<double>(below(1000)) / 1000;
  PartedStepTime time(steps, coefficients);
  for (int i = 0; i < 1000; ++i) {
    StepShape shape = decoding(below(3000), 1 + below(50'000));
    std::vector<PrefillChunk> chunks(static_cast<std::size_t>(below(4)));
    for (PrefillChunk& chunk : chunks) {
      chunk = {1 + below(8192), below(100'000)};
      shape.prefill_tokens += chunk.tokens;
    }
    shape.prefills = chunks;
    shape.prompts_ended = below(static_cast<std::int64_t>(chunks.size()) + 1);
    if (shape.tokens() == 0) continue;
    const double wanted = dot(steps.amounts(shape), coefficients);
    ASSERT_NEAR(static_cast<double>(time.step_time(shape).count()), wanted, 1 + 1e-9 * wanted);
  }
}

TEST(PartedStepTime, NeverStandsStill) {
  PartedStepTime time(CompiledSteps{}, PartCoefficients{});
  EXPECT_EQ(time.step_time(decoding(1, 1)), Nanos(1));
}

}  // namespace
}  // namespace kneepoint::perfmodel
