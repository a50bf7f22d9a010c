#pragma once

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "app/campaign.h"
#include "cli/rows.h"
#include "cli/run.h"
#include "run/point.h"

/// What the `bench` commands share: how points are shown, while they run and after.
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
