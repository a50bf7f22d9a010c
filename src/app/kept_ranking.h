#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "app/session.h"
#include "base/result.h"
#include "profile/ranking.h"
#include "store/store.h"

/// For a program that goes on: everything a store ranks, kept in memory, so that a question nobody
/// asked before costs a look at every row and no reading. One copy serves all sessions of the
/// process. It belongs to one state of store, catalog and day (Session::state): when that changes,
/// whoever changed it, the next question reads anew.
namespace kneepoint::app {

/// How many bytes what is kept may take; a store that ranks more is read for each question, as all
/// are with 0, the way a program starts: one that answers a single question reads only what is
/// asked for.
void keep_rankings(std::size_t most_bytes);

/// Everything in the session's layers; null when nothing is kept.
Result<std::shared_ptr<const profile::Ranking>> kept_ranking(Session& session);

/// The rows that Store::rank(query) gives, in its order, for queries without targets and with all
/// metrics. They lie in `all`.
std::vector<const profile::RankingRow*> rows_of_query(const profile::Ranking& all,
                                                      const store::Query& query);

}  // namespace kneepoint::app
