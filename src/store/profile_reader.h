#pragma once

#include <vector>

#include "base/result.h"
#include "store/sql_session.h"
#include "store/where.h"

namespace kneepoint::store {

/// Whole profiles, in the order of their keys; two statements, so inside a read transaction.
Result<std::vector<profile::Profile>> read_full(SqlSession& session, const Where& where,
                                                const std::vector<LayerRow>& layers);

Result<profile::Ranking> read_ranking(SqlSession& session, const Where& where,
                                      std::span<const metrics::Metric> metrics,
                                      const std::vector<LayerRow>& layers);

/// Layers in the database by rank, own last.
Result<std::vector<LayerRow>> read_layers(SqlSession& session);

}  // namespace kneepoint::store
