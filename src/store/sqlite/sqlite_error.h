#pragma once

#include <sqlite3.h>

#include <string>

#include "base/result.h"

namespace kneepoint::store {

/// What SQLite's result code means for the person whose store lies at `path`, and what to do.
Error sqlite_error(sqlite3* database, int code, const std::string& path);

}  // namespace kneepoint::store
