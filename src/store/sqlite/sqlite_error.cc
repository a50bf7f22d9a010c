#include "store/sqlite/sqlite_error.h"

#include <cerrno>
#include <cstring>

namespace kneepoint::store {
namespace {

std::string system_reason(sqlite3* database) {
  const int number = database ? sqlite3_system_errno(database) : 0;
  return number ? std::strerror(number) : "the system gives no reason";
}

}  // namespace

Error sqlite_error(sqlite3* database, int code, const std::string& path) {
  const std::string store = "the store " + path;
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ErrorCode::Unavailable,
              store +
                  " cannot grow: the disk is full; nothing was changed, free some space and "
                  "try again"};
    case SQLITE_IOERR:
      return {ErrorCode::Unavailable, store + " cannot be read or written (" +
                                          system_reason(database) +
                                          "); nothing was changed, look at the disk"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorCode::Conflict,
              store + " is being written by another process: try again when it has finished"};
    case SQLITE_READONLY:
      return {ErrorCode::Unavailable,
              store +
                  " can only be read: make the file and its folder writable, or give another "
                  "store"};
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return {ErrorCode::Unavailable, store + " cannot be opened (" + system_reason(database) +
                                          "): make the file and its folder accessible, or give "
                                          "another store"};
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return {ErrorCode::Incompatible,
              store +
                  " is damaged or not a Kneepoint store: restore a backup, or move the file "
                  "away to have a new one made"};
    case SQLITE_NOMEM:
      return {ErrorCode::Unavailable, store + ": out of memory"};
    case SQLITE_CONSTRAINT:
      return {ErrorCode::Conflict,
              store + " refused a row: " + std::string(sqlite3_errmsg(database))};
    default:
      return {ErrorCode::Internal,
              store + ": " + (database ? sqlite3_errmsg(database) : sqlite3_errstr(code))};
  }
}

}  // namespace kneepoint::store
