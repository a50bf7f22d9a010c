#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace kneepoint::store {

struct ClosePostgres {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresConnection = std::unique_ptr<PGconn, ClosePostgres>;
using PostgresResult = std::unique_ptr<PGresult, ClosePostgres>;

/// Connects to what a postgresql:// URL or a key=value string names. The error of a failure names
/// host and database and never the password, also not one that was written where libpq would take
/// it for a host or a port.
Result<PostgresConnection> connect_postgres(const std::string& where);

}  // namespace kneepoint::store
