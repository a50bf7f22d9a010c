#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/text.h"
#include "store/driver.h"
#include "store/sql_store.h"
#include "store/store.h"

namespace kneepoint::store {
namespace {

struct DriverFile {
  const char* module;   // file name in the driver folder
  const char* package;  // Debian package of the library it needs
  const char* database;
};
constexpr DriverFile kSqlite{"kneepoint-store-sqlite.so", "libsqlite3-0", "SQLite"};
constexpr DriverFile kPostgres{"kneepoint-store-postgres.so", "libpq5", "PostgreSQL"};

/// Keywords a libpq connection string may begin with.
constexpr std::array kPostgresKeywords{"host",    "hostaddr",        "port",    "dbname",
                                       "user",    "password",        "service", "passfile",
                                       "sslmode", "connect_timeout", "options", "application_name"};

Result<const Driver*> load(const DriverFile& file, const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / file.module;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return fail(ErrorCode::Unavailable, std::string("the ") + file.database +
                                            " driver is not there: " + path.string() +
                                            " is missing; install the whole kneepoint package");
  // Never closed: objects made by the driver may outlive any scope here.
  void* module = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    const char* why = ::dlerror();
    return fail(ErrorCode::Unavailable,
                std::string("the ") + file.database + " driver cannot be loaded (" +
                    (why ? why : "unknown reason") + "): install the package " + file.package);
  }
  const auto* driver = static_cast<const Driver*>(::dlsym(module, kDriverSymbol));
  if (!driver || std::strcmp(driver->build, kDriverBuild) != 0)
    return fail(ErrorCode::Incompatible, path.string() +
                                             " comes from another build than this program: install "
                                             "both from one package");
  return driver;
}

}  // namespace

LayerState own_layer() {
  return {.name = std::string(kOwnLayer),
          .hash = {},
          .origin = {},
          .rank = std::numeric_limits<int>::max()};
}

bool is_postgres(std::string_view where) {
  if (where.starts_with("postgresql://") || where.starts_with("postgres://")) return true;
  const std::size_t equals = where.find('=');
  if (equals == std::string_view::npos) return false;
  return std::ranges::find(kPostgresKeywords, trim(where.substr(0, equals))) !=
         kPostgresKeywords.end();
}

Result<std::unique_ptr<SqlSession>> open_session(const std::string& where,
                                                 const OpenOptions& options) {
  if (!is_postgres(where)) {
    // A typing error in an address must not become a file of that name.
    const auto scheme = where.find("://");
    if (scheme != std::string::npos) {
      return fail(ErrorCode::InvalidArgument, "unknown kind of store '" + where.substr(0, scheme) +
                                                  "://'; give a file, or a postgresql:// address");
    }
  }
  auto driver = load(is_postgres(where) ? kPostgres : kSqlite, options.driver_folder);
  if (!driver) return fail(std::move(driver.error()));
  return (*driver)->open(where, options);
}

Result<std::unique_ptr<Store>> open(const std::string& where, const OpenOptions& options) {
  auto session = open_session(where, options);
  if (!session) return fail(std::move(session.error()));
  return SqlStore::start(std::move(*session), options);
}

}  // namespace kneepoint::store
