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

/// The running point in one line.
std::string progress_text(std::string_view stage, const loadgen::Progress& now,
                          const std::optional<metrics::SignalSample>& server);
/// A finished one: a line, its remarks and its errors.
void note_point(Run& run, const run::PointRecord& point);

/// A watch that shows the running point on a terminal and a line for each finished one.
class Shown {
 public:
  explicit Shown(Run& run);
  ~Shown();
  Shown(const Shown&) = delete;
  Shown& operator=(const Shown&) = delete;
  app::CampaignWatch watch();
  /// Of a run that goes on elsewhere: a line over the one drawn last, and none.
  void draw_line(std::string_view line);
  void clear();

 private:
  void draw(const loadgen::Progress& now, const std::optional<metrics::SignalSample>& server);

  Run& run_;
  bool on_ = false;
  bool drawn_ = false;
  std::string stage_;
};

Rows point_rows(const std::vector<run::PointRecord>& points);

}  // namespace kneepoint::cli::bench
