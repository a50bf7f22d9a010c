#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/bench_target.h"
#include "app/session.h"
#include "base/json.h"
#include "base/result.h"
#include "curve/knee.h"
#include "loadgen/point_runner.h"
#include "loadgen/sweep_plan.h"
#include "metrics/server_signals.h"
#include "profile/profile.h"
#include "run/directory.h"
#include "run/point.h"
#include "workload/spec.h"

namespace kneepoint::app {

/// Loads to be found while measuring: from idle to past the knee.
struct SweepAsk {
  loadgen::SweepLimits limits;
  bool lowest_given = false;  // else an open loop starts at half of what one client gets
  workload::RunSpec spec;     // of every point; its load is set by the sweep
};

/// All that a campaign of load points is asked; kept as the header of its run directory, so that it
/// can be taken up again. Secrets are not in it but where they are to be found.
struct CampaignAsk {
  BenchTarget target;
  std::vector<workload::RunSpec> points;  // one after another; empty: a sweep
  std::optional<SweepAsk> sweep;
  loadgen::PointOptions options;  // of each point; its callbacks are set here
  profile::ServingSetup setup;    // as far as the user says it
  bool scrape = true;
  bool keep_profile = false;  // leave what was measured in the store
  bool timelines = false;     // keep what happened to each request
};

/// Files are named by their whole paths: a run may be taken up from another folder.
json::Value to_json(const CampaignAsk& ask);
Result<CampaignAsk> campaign_from_json(const json::Value& value);

/// Told while it goes, on the thread that runs.
struct CampaignWatch {
  std::function<void(std::string_view sentence)> note;
  /// The next point: its place, how many there may be in all, why this load.
  std::function<void(std::size_t place, std::size_t of, const workload::RunSpec& spec,
                     std::string_view reason)>
      begins;
  std::function<void(const loadgen::Progress&, const std::optional<metrics::SignalSample>&)>
      progress;
  std::function<void(const run::PointRecord&)> done;
  std::function<bool()> interrupted;
};

struct CampaignResult {
  std::vector<run::PointRecord> points;
  profile::ServingSetup setup;      // with what the server said of itself
  std::optional<curve::Knee> knee;  // of a sweep
  std::string ended;                // of a sweep: why there is no further point
  bool whole = false;               // nothing was left to be measured
  /// Of a sweep that is not whole: it ended at its own or the server's limit, so that what it has
  /// is a curve.
  bool valid_end = false;
};

/// Runs what is left of the campaign. Points already in the directory are not measured again; each
/// new one is in it before the next begins. Without a directory nothing is kept. An error: the ask
/// cannot be carried out; what the server does is in the points.
Result<CampaignResult> run_campaign(const CampaignAsk& ask, run::Directory* directory,
                                    const catalog::Catalog& catalog, const CampaignWatch& watch);

/// The knee of a sweep's points, as far as they go; nothing of another campaign.
std::optional<curve::Knee> knee_of(const CampaignAsk& ask,
                                   const std::vector<run::PointRecord>& points);

/// The points in a run directory. NotFound for a directory of something else.
Result<std::vector<run::PointRecord>> points_of(const run::Directory& directory);

/// "2026-11-21T10-00-00-tiny-llama": the name of a new run; part of its profile's identity.
std::string run_name(std::string_view model);

}  // namespace kneepoint::app
