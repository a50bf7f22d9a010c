#include "workload/prompt_maker.h"

#include <benchmark/benchmark.h>

namespace kneepoint::workload {
namespace {

void write(benchmark::State& state, PromptMaker& maker) {
  RequestPlan plan;
  plan.prefix_group = 1;
  plan.prefix = Tokens(200);
  plan.input = Tokens(state.range(0) - 200);
  std::string json;
  for (auto _ : state) {
    ++plan.prompt;
    json.clear();
    maker.write(plan, json);
    benchmark::DoNotOptimize(json.data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_TokenIds(benchmark::State& state) { write(state, *token_id_prompts(7)); }
BENCHMARK(BM_TokenIds)->Arg(1000)->Arg(8000);

void BM_Words(benchmark::State& state) { write(state, *text_prompts(7, PromptForm::Chat, {})); }
BENCHMARK(BM_Words)->Arg(1000)->Arg(8000);

}  // namespace
}  // namespace kneepoint::workload
