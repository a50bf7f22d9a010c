#pragma once

#include <span>

#include "recommend/recommend.h"

namespace kneepoint::recommend {

/// recommend() without its `rejected`: of a question that few of thousands of profiles hold, the
/// sentences why the others do not take longer than all the rest.
Recommendation recommend_choices(const catalog::Catalog& catalog,
                                 std::span<const profile::RankingRow> profiles,
                                 const Request& request);

}  // namespace kneepoint::recommend
