// Bytes per second through the scan, one line in a hundred a problem. The whole promise (1 GB, two
// threads, the program) is bench/doctor.
#include "doctor/log_scan.h"

#include <benchmark/benchmark.h>

namespace {
using namespace kneepoint::doctor;

std::string log_text() {
  std::string out;
  for (int i = 0; out.size() < (std::size_t{64} << 20); ++i) {
    out +=
        i % 100 == 99
            ? "2026-11-21T10:00:00Z node event: Error: secret \"hf-secret\" not found, retrying\n"
            : "INFO 11-21 10:00:00 [metrics.py:455] Avg prompt throughput: 512.0 tokens/s, "
              "Running: 3 reqs, Waiting: 0 reqs, GPU KV cache usage: 12.5%\n";
  }
  return out;
}

void ScanLog(benchmark::State& state) {
  const auto set = SignatureSet::compile(
      {{.id = "secret",
        .where = "log",
        .pattern = R"re(secret "([^"]+)" not found)re",
        .cause = "{1}"},
       {.id = "oom", .where = "log", .pattern = "CUDA out of memory|HIP out of memory"},
       {.id = "killed", .where = "log", .pattern = "OOMKilled|exit code 137"}});
  const std::string text = log_text();
  for (auto _ : state) {
    const auto report = scan_log(*set, read_from(text), static_cast<int>(state.range(0)));
    if (!report || report->sightings.size() != 1) state.SkipWithError("a wrong report");
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(ScanLog)->Arg(1)->Arg(2)->UseRealTime()->MeasureProcessCPUTime();

}  // namespace
