#include "store/postgres/connect.h"

#include <array>
#include <string_view>
#include <vector>

namespace kneepoint::store {
namespace {

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::string_view value_of(const Options& options, std::string_view keyword) {
  for (const PQconninfoOption* option = options.get(); option->keyword; ++option)
    if (option->keyword == keyword && option->val) return option->val;
  return {};
}

/// libpq's own words about a string it cannot read quote parts of it, which may be of a password.
tl::unexpected<Error> unreadable() {
  return fail(ErrorCode::InvalidArgument,
              "the PostgreSQL connection string cannot be understood (it is not shown: it may hold "
              "a password): write postgresql://user@host:port/database, with special characters "
              "percent-encoded, and put the password in PGPASSWORD or ~/.pgpass");
}

/// An unencoded '@', '/' or ':' in a password makes libpq read parts of it as host, port or
/// database, and quote those when connecting fails.
bool may_leak(std::string_view where, const Options& options) {
  const std::size_t scheme = where.find("://");
  if (scheme == std::string_view::npos) return false;
  std::string_view rest = where.substr(scheme + 3);
  const std::size_t query = rest.find('?');
  const std::size_t at = rest.rfind('@', query);
  if (at == std::string_view::npos) return false;
  const std::string_view login = rest.substr(0, at);
  return login.find_first_of("@/") != std::string_view::npos ||
         value_of(options, "host").find('@') != std::string_view::npos;
}

void scrub(std::string& text, std::string_view secret) {
  if (secret.empty()) return;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
}

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n'))
    text.replace(at, 1, " ");
  return text;
}

}  // namespace

Result<PostgresConnection> connect_postgres(const std::string& where) {
  char* complaint = nullptr;
  const Options options(PQconninfoParse(where.c_str(), &complaint));
  if (complaint) PQfreemem(complaint);
  if (!options || may_leak(where, options)) return unreadable();

  // Ours first: what the string says about the same keyword wins.
  const std::array<const char*, 5> keywords{"application_name", "connect_timeout",
                                            "client_encoding", "dbname", nullptr};
  const std::array<const char*, 5> values{"kneepoint", "10", "UTF8", where.c_str(), nullptr};
  PostgresConnection connection(PQconnectdbParams(keywords.data(), values.data(), 1));
  if (connection && PQstatus(connection.get()) == CONNECTION_OK) return connection;

  std::string why = connection ? PQerrorMessage(connection.get()) : "out of memory";
  scrub(why, value_of(options, "password"));
  if (connection) {
    if (const char* password = PQpass(connection.get())) scrub(why, password);
  }
  return fail(ErrorCode::Unavailable,
              "PostgreSQL cannot be reached (" + one_line(why) +
                  "): see that the server runs and that address, database, user and password are "
                  "right");
}

}  // namespace kneepoint::store
