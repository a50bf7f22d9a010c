#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "perfmodel/step_time.h"
#include "sim/engine.h"
#include "sim/load_point.h"
#include "workload/spec.h"

/// Servers with known characters, to try a sweep on: what limits each of them is chosen, the rest
/// is drawn by seed.
namespace kneepoint::sim {

enum class SetupKind {
  KvBound,       // the cache is full long before the sequence limit: preemptions past the knee
  BatchBound,    // the sequence limit is reached with room in the cache: a queue past the knee
  PrefillBound,  // long prompts, short answers: the time goes into prompts
  Noisy,         // one of the first three with lognormal lengths and step times that scatter
  NoKnee,        // the loads allowed end far below what it can do
};
std::string_view name(SetupKind kind);  // "kv-bound", "batch-bound", ...

struct TrialSetup {
  std::string name;  // "kv-bound 3, concurrency"
  SetupKind kind = SetupKind::BatchBound;
  std::uint64_t seed = 0;
  EngineConfig engine;
  perfmodel::LinearCoefficients step_time;
  double step_noise = 0;       // standard deviation of a step's time as a share of it
  workload::RunSpec workload;  // without a load
  LoadKind axis = LoadKind::Concurrency;
  double least_load = 1, most_load = 1;  // the loads a sweep may use
  double capacity = 0;  // completed requests per second at a load far past any knee, as simulated
};

/// `count` of them, the five kinds in turn; each kind comes with both axes. The same seed gives the
/// same ones.
std::vector<TrialSetup> trial_setups(std::size_t count = 30, std::uint64_t seed = 1);

/// A load point of a setup under its own noise.
Result<LoadPoint> simulate_point(const TrialSetup& setup, double load,
                                 const PointOptions& options = {});

}  // namespace kneepoint::sim
