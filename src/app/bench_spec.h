#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "app/bench_target.h"
#include "base/result.h"
#include "workload/spec.h"

namespace kneepoint::app {

/// A run in a file: the members of a run spec (docs/schema/run-spec.v1.json, `schema` may be left
/// out) and, for the target, `url`, `model` and `api`. No place for secrets, and no member that is
/// not known.
struct BenchSpec {
  std::string url, model;  // empty: not in the file
  std::optional<loadgen::Api> api;
  workload::RunSpec run;
};

/// YAML, of which JSON is a part. Bounded in size, depth and what its aliases unfold to.
Result<BenchSpec> parse_bench_spec(std::string_view text);
/// The error names the file.
Result<BenchSpec> read_bench_spec(const std::filesystem::path& path);

}  // namespace kneepoint::app
