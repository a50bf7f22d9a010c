#pragma once

#include <filesystem>

#include "base/result.h"
#include "store/sql_session.h"
#include "store/store.h"

namespace kneepoint::store {

/// Writes the store beside `to` and renames it over `to`: the database's own copy where it is a
/// file, otherwise layer by layer into a new SQLite store.
Result<void> write_backup(Store& store, SqlSession& session, const OpenOptions& options,
                          const std::filesystem::path& to);

}  // namespace kneepoint::store
