#include <fmt/format.h>

#include "importers/measured.h"
#include "importers/tools.h"

namespace kneepoint::importers {
namespace {

constexpr Importer kImporters[] = {
    {"llm-d benchmark report", "one report of version 0.1 or 0.2, YAML or JSON", knows_llmd_report,
     read_llmd_report},
    {"guidellm", "benchmarks.json or .yaml", knows_guidellm, read_guidellm},
    {"inference-perf", "stage_N_lifecycle_metrics.json", knows_inference_perf, read_inference_perf},
    {"inference-perf", "config.yaml beside them", knows_inference_perf_config,
     read_inference_perf_config},
    {"aiperf", "profile_export_aiperf.json", knows_aiperf, read_aiperf},
    {"aiperf", "profile_export.jsonl", knows_aiperf_records, read_aiperf_records},
    {"genai-perf", "profile_export_genai_perf.json", knows_genai_perf, read_genai_perf},
    {"sglang.bench_serving", "the JSON Lines of --output-file", knows_sglang_bench,
     read_sglang_bench},
    {"vllm bench serve", "the JSON of --save-result or --append-result", knows_vllm_bench,
     read_vllm_bench},
};

}  // namespace

std::span<const Importer> importers() { return kImporters; }

const Importer* importer_of(const Document& document) {
  for (const Importer& importer : kImporters) {
    if (importer.knows(document)) return &importer;
  }
  return nullptr;
}

Result<std::vector<Measured>> read_report(const Document& document) {
  const Importer* importer = importer_of(document);
  if (importer == nullptr) {
    std::string known;
    for (const Importer& each : kImporters) {
      known += fmt::format("\n  {}: {}", each.name, each.files);
    }
    return fail(
        ErrorCode::NotFound,
        fmt::format("{}: is no report of a tool known here. Known are{}", document.name, known));
  }
  Faults faults;
  std::vector<Measured> out;
  importer->read(document, faults, out);
  if (auto fine = faults.check(); !fine) {
    return fail(
        std::move(fine).error().during(fmt::format("a report of {}, it seems", importer->name)));
  }
  return out;
}

}  // namespace kneepoint::importers
