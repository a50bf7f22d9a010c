#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "emulator/engine_timing.h"
#include "perfmodel/parted_step_time.h"
#include "sim/engine.h"

namespace kneepoint::app {

/// An engine in place of a script: its limits, and how long its steps take.
struct EmulatedEngine {
  sim::EngineConfig limits;  // max_model_len is the question's
  std::string step_time;     // "base=6.9ms,prefill=33us"; empty: an 8B model on an H100
  std::optional<perfmodel::PartedStepTime> setup;  // in its place: of a serving setup
  double step_noise = 0;
  double speed = 1;
};

/// What `emulate` was asked, as texts where a text has a grammar of its own.
struct EmulateQuestion {
  std::string host;
  long long port = 0;
  std::string model, server, version;
  std::string ttft, itl;                     // delays: "lognormal:100ms,0.5"; of the script
  std::optional<EmulatedEngine> engine;      // in place of the script
  std::optional<std::string> output_tokens;  // lengths: "lognormal:200,300"
  std::optional<long long> default_max_tokens;
  long long max_model_len = 0;
  long long tokens_per_event = 1;
  std::vector<std::string> faults, variants;
  std::optional<std::string> keep_alive_timeout;
  long long seed = 0;
  std::string truth;  // a file; empty for none
  std::string token;  // empty for none
};

/// What a script that waits for the server wants to know.
struct EmulateReady {
  std::string url;
  long long port = 0;
};

struct EmulateSummary {
  std::uint64_t requests = 0, completed = 0, cancelled = 0, refused = 0, broken = 0, tokens = 0;
  std::uint64_t connections = 0;
  double wall_seconds = 0;
  double cpu_seconds = 0;
  std::optional<emulator::EnginePace> engine;
  std::string signal;  // that ended it: "SIGINT"
};

/// Serves until SIGINT or SIGTERM, which are blocked in this thread meanwhile. `ready` is told once
/// the port is open. An error after that: the truth could not be written, or the fault die-after.
Result<EmulateSummary> emulate(const catalog::Catalog& catalog, const EmulateQuestion& question,
                               const std::function<void(const EmulateReady&)>& ready);

/// Words of --variant.
std::vector<std::string> variant_names();

}  // namespace kneepoint::app
