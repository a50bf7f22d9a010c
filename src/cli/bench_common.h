#pragma once

#include <string>
#include <vector>

#include "app/bench_target.h"
#include "cli/run.h"
#include "loadgen/point_runner.h"
#include "profile/profile.h"
#include "workload/spec.h"

/// What the `bench` commands share: flags to values.
namespace kneepoint::cli::bench {

/// Flags over what is there already. Reads tokens and proxies from files and environment.
Result<app::BenchTarget> target_of(Run& run, app::BenchTarget out);
/// Fills in what a run directory does not hold: tokens, proxy.
Result<void> add_secrets(Run& run, app::BenchTarget& target);
/// What all load points share.
Result<workload::RunSpec> workload_of(Run& run, workload::RunSpec out);
/// Goodput bounds, drain, confidence.
Result<loadgen::PointOptions> point_options_of(Run& run);
/// The serving setup as far as flags say it.
profile::ServingSetup setup_of(Run& run);
workload::Arrivals arrivals_of(const Parsed& args, double rate);
workload::RunSpec default_lengths();

}  // namespace kneepoint::cli::bench
