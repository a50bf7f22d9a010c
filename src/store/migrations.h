#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/sql_session.h"

namespace kneepoint::store {

/// One step of the schema. A released step is never edited: the next one changes what it made.
struct Migration {
  int version;
  std::string sentence;  // what it brings, for people
  std::vector<std::string> sql;
};

/// The schema, step by step, from version 1.
std::span<const Migration> migrations();

enum class Access { Read, Write };

/// Brings the database to the last of `steps`, all missing ones in one transaction, and returns the
/// version it now has. A reader changes nothing: an empty or older database is an error then.
/// A database newer than the last step is refused with ErrorCode::Incompatible.
Result<int> migrate(SqlSession& session, std::span<const Migration> steps, Access access);

}  // namespace kneepoint::store
