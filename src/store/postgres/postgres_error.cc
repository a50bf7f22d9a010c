#include "store/postgres/postgres_error.h"

#include <string>
#include <string_view>

namespace kneepoint::store {

Error postgres_error(PGconn* connection, const PGresult* result) {
  if (PQstatus(connection) != CONNECTION_OK)
    return {ErrorCode::Unavailable,
            "the connection to PostgreSQL broke; nothing was changed, try again when the server is "
            "back"};
  const char* state_text = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  const char* message_text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
  const std::string_view state = state_text ? state_text : "";
  const std::string message = message_text ? message_text : "no reason given";
  const std::string said = "PostgreSQL: " + message;
  if (state == "53100")
    return {ErrorCode::Unavailable,
            said + ": the server's disk is full; nothing was changed, free some space there"};
  if (state.starts_with("53") || state.starts_with("57") || state.starts_with("08"))
    return {ErrorCode::Unavailable, said + ": try again when the server is ready"};
  if (state == "55P03" || state.starts_with("40"))
    return {ErrorCode::Conflict,
            said + ": another process is writing to the store, try again when it has finished"};
  if (state == "42501")
    return {ErrorCode::Unavailable,
            said + ": give this user rights on the schema kneepoint, or connect as another"};
  if (state == "25006")
    return {ErrorCode::Unavailable, said + ": the store was opened, or is kept, only for reading"};
  if (state.starts_with("22")) return {ErrorCode::InvalidArgument, said};
  if (state.starts_with("23")) return {ErrorCode::Conflict, said};
  return {ErrorCode::Internal, said};
}

}  // namespace kneepoint::store
