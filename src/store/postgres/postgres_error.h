#pragma once

#include <libpq-fe.h>

#include "base/result.h"

namespace kneepoint::store {

/// What a failed result means and what to do, by its SQLSTATE. Such messages hold no password:
/// only connecting sees one (connect.cc).
Error postgres_error(PGconn* connection, const PGresult* result);

}  // namespace kneepoint::store
