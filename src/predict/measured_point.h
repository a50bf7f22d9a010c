#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "metrics/metric.h"
#include "predict/prediction.h"
#include "profile/profile.h"

namespace kneepoint::predict {

/// A point that somebody measured: what was asked of the server, and what came out.
struct MeasuredPoint {
  std::string id;  // the source's
  Question question;
  metrics::LatencyTable latency;  // ms; NaN where nobody published the figure
  std::string curve_id;           // one setup under one workload, over versions and days
  std::string series_id;          // one run
  std::string source, flags;      // flags: ';'-separated
  std::size_t line = 0;           // in the file it was read from; 0: from none
};

/// The points of one profile.
std::vector<MeasuredPoint> points_of(const profile::Profile& profile);

/// Where prompts are computed: with the answers, or on workers of their own ("disaggregated").
enum class Prompts { WithAnswers, Apart };

/// Every measured point of the kind that the layers of the catalog hold; later layers replace
/// profiles of earlier ones by id. Runs with a draft model count.
Result<std::vector<MeasuredPoint>> points_of(const catalog::Catalog& catalog,
                                             Prompts prompts = Prompts::WithAnswers);

}  // namespace kneepoint::predict
