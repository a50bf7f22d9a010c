#include "perfmodel/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "perfmodel/precision.h"

namespace kneepoint::perfmodel {
namespace {

using catalog::Accelerator;
using catalog::Model;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kGiB = 1024.0 * 1024 * 1024;

/// The shipped model table, read without module catalog's reader: the columns used here come
/// before any that holds a quoted comma.
std::map<std::string, Model> shipped_models() {
  std::ifstream file(KP_SOURCE_DIR "/data/catalog/models.csv");
  std::string line;
  std::getline(file, line);
  const auto cells_of = [](const std::string& text) {
    std::vector<std::string> cells;
    std::stringstream stream(text);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    cells.resize(std::max<std::size_t>(cells.size(), 40));
    return cells;
  };
  std::map<std::string, std::size_t> column;
  const auto names = cells_of(line);
  for (std::size_t i = 0; i < names.size(); ++i) column[names[i]] = i;

  std::map<std::string, Model> models;
  while (std::getline(file, line)) {
    const auto cells = cells_of(line);
    const auto text = [&](const char* name) { return cells[column.at(name)]; };
    const auto number = [&](const char* name) -> std::optional<double> {
      if (text(name).empty()) return std::nullopt;
      return std::stod(text(name));
    };
    const auto integer = [&](const char* name) -> std::optional<int> {
      if (text(name).empty()) return std::nullopt;
      return std::stoi(text(name));
    };
    Model m;
    m.id = text("model");
    m.model_type = text("model_type");
    m.layers = integer("layers");
    m.hidden = integer("hidden");
    m.heads = integer("heads");
    m.kv_heads = integer("kv_heads");
    m.head_dim = integer("head_dim");
    m.vocab = integer("vocab");
    if (!text("tie_embeddings").empty()) m.tie_embeddings = text("tie_embeddings") == "yes";
    m.window = integer("window");
    m.windowed_layers = integer("windowed_layers");
    m.experts = integer("experts");
    m.moe_intermediate = integer("moe_intermediate");
    m.dense_layers = integer("dense_layers");
    m.kv_lora = integer("kv_lora");
    m.qk_rope = integer("qk_rope");
    m.dtype = text("dtype");
    m.quantization = text("quantization");
    m.weight_bits = number("weight_bits");
    m.params_b = number("params_b");
    m.kv_elements_per_token = number("kv_elements_per_token");
    m.complete = text("complete") == "yes";
    models[m.id] = m;
  }
  return models;
}

Accelerator gpu(const std::string& id, double usable) {
  Accelerator a;
  a.id = id;
  a.mem_gib_usable = usable;
  a.mem_gib_nominal = usable;
  return a;
}

MemorySetup split_over(int accelerators) {
  MemorySetup setup;
  setup.accelerators = setup.tensor_parallel = accelerators;
  return setup;
}

TEST(WeightBytes, MatchTheSizeOfPublishedCheckpoints) {
  const auto models = shipped_models();
  const auto gigabytes = [&](const char* id, const char* precision = "") {
    return weight_bytes(models.at(id), precision).value() / 1e9;
  };
  EXPECT_NEAR(gigabytes("meta-llama/Llama-3.3-70B-Instruct"), 141.1, 0.2);
  EXPECT_NEAR(gigabytes("Qwen/Qwen3-32B"), 65.5, 0.2);
  EXPECT_NEAR(gigabytes("openai/gpt-oss-120b"), 65.2, 0.5);  // experts 60.9, the rest in bf16
  EXPECT_NEAR(gigabytes("openai/gpt-oss-20b"), 13.8, 0.3);
  EXPECT_NEAR(gigabytes("moonshotai/Kimi-K2-Instruct"), 1029, 5);
  EXPECT_NEAR(gigabytes("moonshotai/Kimi-K2.5", "int4"), 594, 6);
  EXPECT_NEAR(gigabytes("Qwen/Qwen2.5-72B-Instruct", "awq"), 41.5, 0.5);
  // On disk 689: the checkpoint also holds a draft layer of 14 GB, which plain serving leaves out.
  EXPECT_NEAR(gigabytes("deepseek-ai/DeepSeek-R1"), 689, 18);
}

TEST(WeightBytes, NeverGrowWhenThePrecisionFalls) {
  for (const auto& [id, model] : shipped_models()) {
    if (!model.complete) continue;
    double last = weight_bytes(model, "fp32").value();
    for (const char* precision : {"bf16", "fp8", "fp4", "mxfp4"}) {
      const double now = weight_bytes(model, precision).value();
      EXPECT_LE(now, last) << id << " at " << precision;
      last = now;
    }
  }
}

TEST(WeightBytes, AreUnknownForAPartlyDescribedModel) {
  const auto models = shipped_models();
  EXPECT_FALSE(weight_bytes(models.at("nvidia/Nemotron-H-56B-Base-8K"), ""));
  EXPECT_FALSE(weight_bytes(models.at("Qwen/Qwen3-32B"), "fp3"));
  // A container format with no stated width: nobody knows until the user says so.
  EXPECT_FALSE(weight_bytes(models.at("moonshotai/Kimi-K2.5"), ""));
}

TEST(KvBytes, MatchTheStatedElementsOfEveryModel) {
  int checked = 0;
  for (const auto& [id, model] : shipped_models()) {
    if (!model.complete || !model.kv_elements_per_token) continue;
    EXPECT_DOUBLE_EQ(kv_bytes_per_token(model, {}).value(), 2 * *model.kv_elements_per_token) << id;
    ++checked;
  }
  EXPECT_GT(checked, 60);
}

TEST(KvBytes, ShardOverTensorRanksUntilHeadsRunOut) {
  const Model llama = shipped_models().at("meta-llama/Llama-3.3-70B-Instruct");  // 8 KV heads
  const double one = kv_bytes_per_token(llama, split_over(1)).value();
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(llama, split_over(4)).value(), one / 4);
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(llama, split_over(8)).value(), one / 8);
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(llama, split_over(16)).value(), one / 8);
}

TEST(KvBytes, OfALatentAreKeptWholeByEveryTensorRank) {
  const Model r1 = shipped_models().at("deepseek-ai/DeepSeek-R1");
  const double latent = (512 + 64) * 61 * 2.0;
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(r1, split_over(1)).value(), latent);
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(r1, split_over(8)).value(), latent);
  MemorySetup fp8 = split_over(8);
  fp8.kv_precision = "fp8_e4m3";
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(r1, fp8).value(), latent / 2);
}

TEST(KvBytes, OfWindowedLayersStopAtTheWindow) {
  const Model gemma = shipped_models().at("google/gemma-3-27b-it");  // 52 of 62 layers see 1024
  const double layer = 2 * 16 * 128 * 2.0;
  EXPECT_DOUBLE_EQ(kv_bytes_for(gemma, {}, 1000).value(), 62 * layer * 1000);
  EXPECT_DOUBLE_EQ(kv_bytes_for(gemma, {}, 100'000).value(), layer * (10 * 100'000. + 52 * 1024));
}

TEST(KvBytes, SplitByPipelineStages) {
  const Model llama = shipped_models().at("meta-llama/Llama-3.1-405B");  // 126 layers
  MemorySetup setup = split_over(8);
  setup.accelerators = 32;
  setup.pipeline_parallel = 4;
  EXPECT_DOUBLE_EQ(kv_bytes_per_token(llama, setup).value(), 32 * 2 * 128 * 2.0);
}

TEST(Fits, TellsWhatIsNeededAndWhatIsThere) {
  const auto models = shipped_models();
  const FitAnswer no =
      fits(models.at("meta-llama/Llama-3.3-70B-Instruct"), gpu("nvidia-l4", 22), {});
  EXPECT_EQ(no.fit, Fit::DoesNotFit);
  EXPECT_GT(no.missing_bytes_per_accelerator, 100 * kGiB);
  EXPECT_THAT(no.sentence, AllOf(HasSubstr("needs 140."), HasSubstr("per accelerator"),
                                 HasSubstr("nvidia-l4 offers 19.8 GiB")));

  const FitAnswer yes = fits(models.at("meta-llama/Llama-3.3-70B-Instruct"),
                             gpu("nvidia-h100-80gb", 79.2), split_over(4));
  EXPECT_EQ(yes.fit, Fit::Fits);
  EXPECT_EQ(yes.missing_bytes_per_accelerator, 0);
}

TEST(Fits, CountsOneRequestOfTheLongestContext) {
  const Model qwen = shipped_models().at("Qwen/Qwen3-32B");
  MemorySetup setup;
  EXPECT_EQ(fits(qwen, gpu("nvidia-h100-80gb", 79.2), setup).fit, Fit::Fits);
  setup.max_tokens_per_request = 40960;
  const FitAnswer answer = fits(qwen, gpu("nvidia-h100-80gb", 79.2), setup);
  EXPECT_EQ(answer.fit, Fit::DoesNotFit);
  EXPECT_THAT(answer.sentence, HasSubstr("40960-token request"));
}

TEST(Fits, AddsTheRuntimeOverheadThatGrowsWithTheWeightShare) {
  const Model llama = shipped_models().at("meta-llama/Llama-3.3-70B-Instruct");
  const FitAnswer answer = fits(llama, gpu("nvidia-h100-80gb", 79.2), split_over(4));
  EXPECT_NEAR(answer.use.overhead_bytes_per_accelerator,
              2.3 * kGiB + 0.05 * answer.use.weights_bytes_per_accelerator, 1);
}

TEST(Fits, NamesTheFigureThatIsMissing) {
  const auto models = shipped_models();
  const Accelerator h100 = gpu("nvidia-h100-80gb", 79.2);
  const auto sentence = [&](const Model& model, const Accelerator& on, const MemorySetup& setup) {
    const FitAnswer answer = fits(model, on, setup);
    EXPECT_EQ(answer.fit, Fit::UnknownSize);
    return answer.sentence;
  };
  EXPECT_THAT(sentence(models.at("Qwen/Qwen3.5-27B"), h100, {}), HasSubstr("only in part"));
  EXPECT_THAT(sentence(models.at("moonshotai/Kimi-K2.5"), h100, {}), HasSubstr("bits per weight"));
  Model headless = models.at("Qwen/Qwen3-8B");
  headless.kv_heads.reset();
  EXPECT_THAT(sentence(headless, h100, {}), HasSubstr("number of KV heads"));
  EXPECT_THAT(sentence(models.at("Qwen/Qwen3-8B"), Accelerator{}, {}), HasSubstr("memory of"));
  MemorySetup odd = split_over(4);
  odd.pipeline_parallel = 3;
  EXPECT_THAT(sentence(models.at("Qwen/Qwen3-8B"), h100, odd), HasSubstr("does not make 4"));
}

TEST(Fits, SaysSoWhenOnlyNominalMemoryIsKnown) {
  Accelerator a30;
  a30.id = "nvidia-a30";
  a30.mem_gib_nominal = 24;
  const FitAnswer answer = fits(shipped_models().at("Qwen/Qwen3-8B"), a30, {});
  EXPECT_EQ(answer.fit, Fit::Fits);
  EXPECT_THAT(answer.sentence, HasSubstr("usable memory not known, nominal used"));
}

TEST(Fits, ReadsDataParallelAttentionInBothNotations) {
  const Model r1 = shipped_models().at("deepseek-ai/DeepSeek-R1");
  const Accelerator h200 = gpu("nvidia-h200-141gb", 139.8);
  MemorySetup outside;  // 1 x 8 = 8
  outside.accelerators = 8;
  outside.data_parallel = 8;
  outside.expert_parallel = 8;
  MemorySetup inside = outside;  // tensor 8, of which attention uses 8 / 8
  inside.tensor_parallel = 8;
  const FitAnswer a = fits(r1, h200, outside);
  const FitAnswer b = fits(r1, h200, inside);
  ASSERT_EQ(a.fit, Fit::Fits);
  EXPECT_DOUBLE_EQ(a.use.weights_bytes_per_accelerator, b.use.weights_bytes_per_accelerator);
  // Attention is on every rank, so a rank holds more than an eighth; but eight caches hold more.
  const FitAnswer tensor = fits(r1, h200, split_over(8));
  EXPECT_GT(a.use.weights_bytes_per_accelerator, tensor.use.weights_bytes_per_accelerator);
  EXPECT_GT(a.use.kv_capacity_tokens, tensor.use.kv_capacity_tokens);
}

// The laws that hold for every model and every way to split it.
TEST(FitsLaw, MoreAcceleratorsNeverNeedMoreEach) {
  const Accelerator h200 = gpu("nvidia-h200-141gb", 139.8);
  for (const auto& [id, model] : shipped_models()) {
    for (const int pp : {1, 2, 4}) {
      double last = INFINITY;
      double last_kv = INFINITY;
      for (const int tp : {1, 2, 4, 8, 16}) {
        MemorySetup setup = split_over(tp);
        setup.accelerators = tp * pp;
        setup.pipeline_parallel = pp;
        const FitAnswer answer = fits(model, h200, setup);
        if (answer.fit == Fit::UnknownSize) continue;
        EXPECT_LE(answer.use.weights_bytes_per_accelerator, last) << id;
        EXPECT_LE(kv_bytes_for(model, setup, 8192).value(), last_kv) << id;
        last = answer.use.weights_bytes_per_accelerator;
        last_kv = kv_bytes_for(model, setup, 8192).value();
      }
    }
  }
}

TEST(FitsLaw, MorePipelineStagesNeverNeedMoreEach) {
  for (const auto& [id, model] : shipped_models()) {
    double last = INFINITY;
    for (const int pp : {1, 2, 3, 4, 5, 8}) {
      MemorySetup setup = split_over(2);
      setup.accelerators = 2 * pp;
      setup.pipeline_parallel = pp;
      const FitAnswer answer = fits(model, gpu("nvidia-h200-141gb", 139.8), setup);
      if (answer.fit == Fit::UnknownSize) continue;
      const double need = answer.use.weights_bytes_per_accelerator +
                          answer.use.overhead_bytes_per_accelerator +
                          kv_bytes_for(model, setup, 8192).value();
      EXPECT_LE(need, last) << id << " over " << pp;
      last = need;
    }
  }
}

TEST(FitsLaw, TheCapacityFitsTheRoomAndTheAnswerAgreesWithIt) {
  std::mt19937 random(11);
  const auto pick = [&random](int most) {
    return std::uniform_int_distribution<int>(0, most)(random);
  };
  for (const auto& [id, model] : shipped_models()) {
    for (int i = 0; i < 20; ++i) {
      MemorySetup setup = split_over(1 << pick(4));
      setup.data_parallel = 1 << pick(2);
      setup.accelerators = setup.tensor_parallel * setup.data_parallel;
      setup.utilization = 0.5 + 0.05 * pick(9);
      setup.kv_precision = pick(1) ? "fp8" : "";
      setup.max_tokens_per_request = pick(100'000);
      const FitAnswer answer = fits(model, gpu("some", 16 + 8 * pick(20)), setup);
      if (answer.fit == Fit::UnknownSize) continue;
      const MemoryUse& use = answer.use;
      const double per_rank = use.kv_capacity_tokens / setup.data_parallel;
      EXPECT_LE(per_rank * use.kv_bytes_per_token,
                std::max(0.0, use.kv_room_bytes_per_accelerator) + 1)
          << id;
      const double asked =
          kv_bytes_for(model, setup, std::max(1.0, setup.max_tokens_per_request)).value();
      EXPECT_EQ(answer.fit == Fit::Fits, asked <= use.kv_room_bytes_per_accelerator) << id;
    }
  }
}

}  // namespace
}  // namespace kneepoint::perfmodel
