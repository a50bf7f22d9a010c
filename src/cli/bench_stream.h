#pragma once

#include "app/campaign.h"
#include "cli/run.h"
#include "run/directory.h"

namespace kneepoint::cli::bench {

/// Prints a run for those who follow the log of its pod: every record as it stands in run.log, a
/// line now and then of how the load point goes, and how it ended (app/mirrored_run.h). On standard
/// error, which is not held back.
class Stream {
 public:
  Stream(Run& run, const run::Directory& directory);
  app::CampaignWatch watch();
  /// All of it again where so much was printed that the first of it may be lost by then.
  void end(const app::CampaignResult& result);

 private:
  void records();

  Run& run_;
  const run::Directory& directory_;
  std::size_t printed_ = 0, bytes_ = 0;
  std::string stage_;
  Nanos shown_{-1};
};

}  // namespace kneepoint::cli::bench
