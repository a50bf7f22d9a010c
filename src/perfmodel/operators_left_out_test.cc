#include <gtest/gtest.h>

#include <cmath>

#include "catalog/catalog.h"
#include "perfmodel/compiled_steps.h"

// How far off an accelerator without tables is: each system's tables are left out in turn, its
// steps are computed from the others, and held against its own. docs/step-time.md shows these
// figures.
namespace kneepoint::perfmodel {
namespace {

struct LeftOut {
  const char* accelerator;
  const char* system;
  double mean_error;  // of the steps below, in percent; as found, and no worse
};
constexpr LeftOut kLeftOut[] = {
    {"nvidia-h100-80gb", "h100", 9},
    {"nvidia-h200-141gb", "h200", 7},
    {"nvidia-b200", "b200", 4},
    {"nvidia-b300", "b300", 2},
    {"nvidia-gb200", "gb200", 4.5},
    {"nvidia-gb300", "gb300", 2},
    {"nvidia-a100-80gb", "a100", 17},
    {"nvidia-l40s", "l40s", 23.5},
    {"nvidia-rtx-pro-6000", "rtx_pro_6000", 22.5},
};

struct Case {
  const char* model;
  int tensor;
  const char* weights;
};
constexpr Case kCases[] = {{"meta-llama/Llama-3.1-8B-Instruct", 1, "bf16"},
                           {"meta-llama/Llama-3.1-8B-Instruct", 1, "fp8"},
                           {"meta-llama/Llama-3.3-70B-Instruct", 4, "bf16"},
                           {"openai/gpt-oss-120b", 2, ""},
                           {"Qwen/Qwen3-30B-A3B", 1, "bf16"}};

std::vector<double> step_nanos(const CompiledSteps& steps) {
  std::vector<double> out;
  const auto add = [&](const StepShape& shape) {
    double sum = 0;
    const auto amounts = steps.amounts(shape);
    for (std::size_t i = 0; i <= static_cast<std::size_t>(Part::Head); ++i) sum += amounts[i];
    out.push_back(sum);
  };
  for (const std::int64_t batch : {1, 16, 64, 256}) {
    StepShape shape;
    shape.decodes = batch;
    shape.decode_context = batch * 2000;
    add(shape);
  }
  for (const std::int64_t tokens : {512, 2048, 8192}) {
    const std::vector<PrefillChunk> chunk{{tokens, 0}};
    StepShape shape;
    shape.prefills = chunk;
    shape.prefill_tokens = tokens;
    shape.prompts_ended = 1;
    add(shape);
  }
  return out;
}

TEST(OperatorsLeftOut, AreComputedFromTheOthersAsWellAsTheDocumentSays) {
  const auto catalog = catalog::Catalog::open(KP_BINARY_DIR "/kneepoint.catalog", {}).value();
  const auto all = OperatorTables::open(KP_BINARY_DIR "/kneepoint.operators").value();
  for (const LeftOut& of : kLeftOut) {
    const auto rest = all.without(of.system);
    ASSERT_EQ(rest.systems().size() + 1, all.systems().size()) << of.system;
    double sum = 0;
    int count = 0;
    for (const Case& each : kCases) {
      const auto& model = *catalog.model(each.model);
      const auto& accelerator = *catalog.accelerator(of.accelerator);
      MemorySetup setup;
      setup.accelerators = setup.tensor_parallel = each.tensor;
      setup.weight_precision = each.weights;
      const auto own = step_nanos(compile_steps(all, model, accelerator, setup).value());
      const auto other = step_nanos(compile_steps(rest, model, accelerator, setup).value());
      for (std::size_t i = 0; i < own.size(); ++i, ++count) sum += std::abs(other[i] / own[i] - 1);
    }
    EXPECT_LE(100 * sum / count, of.mean_error + 0.5) << of.system;
    RecordProperty(of.system, std::to_string(100 * sum / count));
  }
}

}  // namespace
}  // namespace kneepoint::perfmodel
