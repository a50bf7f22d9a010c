#pragma once

#include <csignal>
#include <string>
#include <vector>

#include "app/bench_target.h"
#include "app/campaign.h"
#include "cli/rows.h"
#include "cli/run.h"
#include "run/point.h"
#include "workload/spec.h"

/// What the `bench` commands share: flags to values, and how points are shown.
namespace kneepoint::cli::bench {

/// While it lives, SIGINT and SIGTERM end a measurement and not the program. A third one ends it.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  static bool interrupted();

 private:
  struct sigaction int_, term_;
};

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
Nanos duration_or(const std::optional<Nanos>& value, Nanos otherwise);

/// A watch that shows the running point on a terminal and a line for each finished one.
class Shown {
 public:
  explicit Shown(Run& run);
  ~Shown();
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;
  app::CampaignWatch watch();

 private:
  void draw(const loadgen::Progress& now, const std::optional<metrics::SignalSample>& server);
  void clear();

  Run& run_;
  bool on_ = false;
  bool drawn_ = false;
  std::string stage_;
};

Rows point_rows(const std::vector<run::PointRecord>& points);

}  // namespace kneepoint::cli::bench
