#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <limits>
#include <thread>
#include <vector>

#include "store/driver.h"
#include "store/sqlite/sqlite_error.h"
#include "store/store.h"

namespace kneepoint::store {
namespace {

namespace fs = std::filesystem;

// Several first starts at once each fill the store; on a slow machine the last one waits long.
constexpr int kBusyMs = 30'000;
constexpr int kApplicationId = 0x4b6e6565;  // "Knee": tells our files from other programs'
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

struct Close {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Prepared = std::unique_ptr<sqlite3_stmt, Close>;

void bind_text(sqlite3_stmt* statement, int at, std::string_view text) {
  // A null pointer would be NULL.
  sqlite3_bind_text64(statement, at, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
}

class SqliteStatement final : public SqlStatement {
 public:
  SqliteStatement(sqlite3* database, Prepared statement, const std::string& path)
      : database_(database), statement_(std::move(statement)), path_(path) {
    // SQLite numbers named placeholders by first appearance; "$3" shall be the third value.
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement_.get()); ++i) {
      const auto number =
          static_cast<std::size_t>(std::atoi(sqlite3_bind_parameter_name(statement_.get(), i) + 1));
      if (places_.size() <= number) places_.resize(number + 1, 0);
      places_[number] = i;
    }
  }

  void bind(int placeholder, std::string_view text) override {
    bind_text(statement_.get(), place(placeholder), text);
  }
  void bind(int placeholder, double value) override {
    sqlite3_bind_double(statement_.get(), place(placeholder), value);  // NaN becomes NULL
  }
  void bind(int placeholder, std::int64_t value) override {
    sqlite3_bind_int64(statement_.get(), place(placeholder), value);
  }

  Result<bool> step() override {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    sqlite3_reset(statement_.get());
    if (code == SQLITE_DONE) return false;
    return fail(sqlite_error(database_, code, path_));
  }
  void reset() override { sqlite3_reset(statement_.get()); }

  bool is_null(int column) const override {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_.get(), column);
  }
  double real(int column) const override {
    return is_null(column) ? kMissing : sqlite3_column_double(statement_.get(), column);
  }
  std::string_view text(int column) const override {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return {text ? text : "", size(column)};
  }
  std::string_view bytes(int column) const override {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    return {bytes ? bytes : "", size(column)};
  }

 private:
  int place(int placeholder) const {
    const auto number = static_cast<std::size_t>(placeholder);
    return number < places_.size() ? places_[number] : 0;
  }
  std::size_t size(int column) const {
    return static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  }

  sqlite3* database_;
  Prepared statement_;
  const std::string& path_;
  std::vector<int> places_;
};

/// One prepared INSERT: within a transaction SQLite has nothing faster.
class SqliteBulk final : public SqlBulk {
 public:
  SqliteBulk(sqlite3* database, Prepared insert, const std::string& path)
      : database_(database), insert_(std::move(insert)), path_(path) {}

  // Views must live until end_row().
  void add(std::string_view text) override { bind_text(insert_.get(), ++column_, text); }
  void add(double value) override { sqlite3_bind_double(insert_.get(), ++column_, value); }
  void add(std::int64_t value) override { sqlite3_bind_int64(insert_.get(), ++column_, value); }
  void add_bytes(std::string_view bytes) override {
    sqlite3_bind_blob64(insert_.get(), ++column_, bytes.data(), bytes.size(), SQLITE_STATIC);
  }
  void add_null() override { sqlite3_bind_null(insert_.get(), ++column_); }

  Result<void> end_row() override {
    column_ = 0;
    const int code = sqlite3_step(insert_.get());
    sqlite3_reset(insert_.get());
    if (code == SQLITE_DONE) return {};
    return fail(sqlite_error(database_, code, path_));
  }
  Result<void> finish() override { return {}; }

 private:
  sqlite3* database_;
  Prepared insert_;
  const std::string& path_;
  int column_ = 0;
};

class SqliteSession final : public SqlSession {
 public:
  SqliteSession(Database database, std::string path)
      : database_(std::move(database)), path_(std::move(path)) {}

  Result<void> exec(const std::string& sql) override {
    return check(sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr));
  }

  Result<std::unique_ptr<SqlStatement>> prepare(const std::string& sql) override {
    auto prepared = compile(sql);
    if (!prepared) return fail(std::move(prepared.error()));
    return std::make_unique<SqliteStatement>(database_.get(), std::move(*prepared), path_);
  }

  Result<std::unique_ptr<SqlBulk>> bulk(const std::string& table,
                                        std::span<const std::string> columns) override {
    std::string names, places;
    for (const std::string& column : columns) {
      names += (names.empty() ? "" : ", ") + column;
      places += places.empty() ? "?" : ", ?";
    }
    auto insert = compile("INSERT INTO " + table + " (" + names + ") VALUES (" + places + ")");
    if (!insert) return fail(std::move(insert.error()));
    return std::make_unique<SqliteBulk>(database_.get(), std::move(*insert), path_);
  }

  Result<void> begin_read() override { return exec("BEGIN"); }
  Result<void> begin_write() override { return exec("BEGIN IMMEDIATE"); }
  Result<void> commit() override { return exec("COMMIT"); }
  void rollback() override {
    // After some errors (a full disk) SQLite has rolled back by itself.
    if (!sqlite3_get_autocommit(database_.get()))
      sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

  Result<bool> has_table(std::string_view name) override {
    auto find = prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1");
    if (!find) return fail(std::move(find.error()));
    (*find)->bind(1, name);
    return (*find)->step();
  }

  Result<void> prepare_empty() override {
    auto id = number("PRAGMA application_id");
    if (!id) return fail(std::move(id.error()));
    auto tables = number("SELECT COUNT(*) FROM sqlite_master");
    if (!tables) return fail(std::move(tables.error()));
    if (*tables != 0 || (*id != 0 && *id != kApplicationId))
      return fail(ErrorCode::Incompatible,
                  "this SQLite file belongs to another program: give another path");
    return exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  }

  Result<bool> copy_to(const fs::path& file) override {
    sqlite3* opened = nullptr;
    const int code =
        sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    const Database target(opened);
    if (code != SQLITE_OK) return fail(sqlite_error(opened, code, file.string()));
    ::chmod(file.c_str(), 0600);
    sqlite3_backup* backup = sqlite3_backup_init(opened, "main", database_.get(), "main");
    if (!backup) return fail(sqlite_error(opened, sqlite3_errcode(opened), file.string()));
    // In one step: the source stays locked for reading, so the copy is one moment of it.
    const int stepped = sqlite3_backup_step(backup, -1);
    const int finished = sqlite3_backup_finish(backup);
    if (stepped != SQLITE_DONE)
      return fail(sqlite_error(opened, finished != SQLITE_OK ? finished : stepped, file.string()));
    return true;
  }

  std::string describe() const override { return "SQLite at " + path_; }

  /// Reads one page, so that a file that is no database is found now and not at the first question.
  Result<void> probe() {
    auto read = number("SELECT COUNT(*) FROM sqlite_master");
    if (!read) return fail(std::move(read.error()));
    return {};
  }

 private:
  Result<void> check(int code) {
    if (code == SQLITE_OK) return {};
    return fail(sqlite_error(database_.get(), code, path_));
  }
  Result<Prepared> compile(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(database_.get(), sql.c_str(),
                                        static_cast<int>(sql.size()) + 1, &statement, nullptr);
    if (code != SQLITE_OK) return fail(sqlite_error(database_.get(), code, path_));
    return Prepared(statement);
  }
  Result<std::int64_t> number(const std::string& sql) {
    auto statement = prepare(sql);
    if (!statement) return fail(std::move(statement.error()));
    if (auto row = (*statement)->step(); !row) return fail(std::move(row.error()));
    return (*statement)->integer(0);
  }

  Database database_;
  std::string path_;
};

Result<void> make_private_folders(const fs::path& folder) {
  std::error_code ignored;
  if (folder.empty() || fs::exists(folder, ignored)) return {};
  if (auto parent = make_private_folders(folder.parent_path()); !parent) return parent;
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(ErrorCode::Unavailable, "the folder " + folder.string() +
                                          " for the store cannot be made (" + std::strerror(errno) +
                                          ")");
}

/// The store's file, readable by its owner only; SQLite gives the same mode to its log.
Result<void> make_private_file(const fs::path& file) {
  if (auto made = make_private_folders(file.parent_path()); !made) return made;
  const int handle = ::open(file.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (handle >= 0) {
    ::close(handle);
    return {};
  }
  return fail(ErrorCode::Unavailable, "the store " + file.string() + " cannot be written (" +
                                          std::strerror(errno) +
                                          "): make the file and its folder writable, or give "
                                          "another store");
}

/// A file: URI, in which "%?#" would mean something.
std::string immutable_uri(const fs::path& file) {
  std::string uri = "file:";
  for (const char c : file.string()) {
    if (c == '%' || c == '?' || c == '#') {
      constexpr const char* digits = "0123456789abcdef";
      uri += {'%', digits[c >> 4], digits[c & 15]};
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

Result<std::unique_ptr<SqliteSession>> connect(const std::string& name, const std::string& path,
                                               int flags) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(opened);
  if (code != SQLITE_OK) return fail(sqlite_error(opened, code, path));
  sqlite3_busy_timeout(opened, kBusyMs);
  auto session = std::make_unique<SqliteSession>(std::move(database), path);
  if (auto set = session->exec("PRAGMA mmap_size = 268435456; PRAGMA temp_store = MEMORY"); !set)
    return fail(std::move(set.error()));
  if (auto good = session->probe(); !good) return fail(std::move(good.error()));
  return session;
}

/// In a folder that cannot be written SQLite cannot make the index of its log; a file without a log
/// is then read as it stands, since nobody can be writing it.
Result<std::unique_ptr<SqlSession>> open_for_reading(const fs::path& file) {
  auto session = connect(file.string(), file.string(), SQLITE_OPEN_READONLY);
  if (session) return std::move(*session);
  fs::path log = file;
  log += "-wal";
  std::error_code ignored;
  if (session.error().code != ErrorCode::Unavailable ||
      (fs::exists(log, ignored) && fs::file_size(log, ignored) > 0))
    return fail(std::move(session.error()));
  auto as_it_stands =
      connect(immutable_uri(file), file.string(), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
  if (!as_it_stands) return fail(std::move(session.error()));
  return std::move(*as_it_stands);
}

/// A new file gets pages that hold a dozen profiles: fewer to fill and to walk, less left unused.
/// The log (WAL) lets readers read while one process writes. With NORMAL a power cut may lose the
/// last transaction but never part of one; kill -9 loses nothing.
Result<void> set_up(SqliteSession& session) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::milliseconds(kBusyMs);
  for (;;) {
    auto set = session.exec(
        "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    // Of two that both bring a new file to its log, SQLite sends one away at once, without the
    // wait of its busy timeout: each holds the read lock that the other one waits for.
    if (set || set.error().code != ErrorCode::Conflict || Clock::now() >= until) return set;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Result<std::unique_ptr<SqlSession>> open_sqlite(const std::string& where,
                                                const OpenOptions& options) {
  const fs::path file = fs::absolute(where);
  std::error_code ignored;
  if (fs::is_directory(file, ignored))
    return fail(ErrorCode::InvalidArgument, file.string() + " is a folder: give a file path");
  if ((options.read_only || !options.create) && !fs::exists(file, ignored))
    return fail(ErrorCode::NotFound, "there is no store at " + file.string());
  if (options.read_only) return open_for_reading(file);

  if (auto made = make_private_file(file); !made) return fail(std::move(made.error()));
  auto session = connect(file.string(), file.string(), SQLITE_OPEN_READWRITE);
  if (!session) return fail(std::move(session.error()));
  if (auto set = set_up(**session); !set) return fail(std::move(set.error()));
  return std::move(*session);
}

}  // namespace
}  // namespace kneepoint::store

KNEEPOINT_STORE_DRIVER(kneepoint::store::open_sqlite);
