#include "scrape/exposition.h"

#include <benchmark/benchmark.h>

#include <string>

namespace kneepoint::scrape {
namespace {

/// As vLLM's: most lines are buckets of histograms that nobody asks for.
std::string page() {
  std::string out;
  for (int family = 0; family < 24; ++family) {
    const std::string name = "vllm:histogram_number_" + std::to_string(family) + "_seconds";
    out += "# HELP " + name + " What this histogram counts, in a sentence.\n# TYPE " + name +
           " histogram\n";
    const std::string labels = "engine=\"0\",model_name=\"a-model-of-some-size\"";
    for (int le = 0; le < 22; ++le) {
      out += name + "_bucket{" + labels + ",le=\"" + std::to_string(le) + ".5\"} 1135.0\n";
    }
    out += name + "_sum{" + labels + "} 639.7448303699493\n" + name + "_count{" + labels +
           "} 1143.0\n";
  }
  return out;
}

/// What a scrape costs: lines found and named, without and with reading every one.
void BM_Page(benchmark::State& state, bool every_line) {
  const std::string text = page();
  std::size_t samples = 0;
  for (auto _ : state) {
    ExpositionReader reader(text);
    while (reader.next(every_line)) samples += reader.parse().has_value() ? 1 : 0;
  }
  if (samples != state.iterations() * std::size_t{24} * (every_line ? 24 : 2)) {
    state.SkipWithError("a sample was lost");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK_CAPTURE(BM_Page, without_buckets, false);
BENCHMARK_CAPTURE(BM_Page, every_line, true);

}  // namespace
}  // namespace kneepoint::scrape
