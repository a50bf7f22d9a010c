#include "store/backup.h"

#include <unistd.h>

#include "store/transfer.h"

namespace kneepoint::store {
namespace {

namespace fs = std::filesystem;

fs::path beside(const fs::path& file, std::string_view suffix) {
  fs::path path = file;
  path += suffix;
  return path;
}

void remove_database(const fs::path& file) {
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    fs::remove(beside(file, suffix), ignored);
}

Result<void> copy_through_interface(Store& store, const OpenOptions& options,
                                    const fs::path& file) {
  OpenOptions fresh = options;
  fresh.read_only = false;
  fresh.create = true;
  auto copy = open(file.string(), fresh);
  if (!copy) return fail(std::move(copy.error()));
  return copy_layers(store, **copy);
}

}  // namespace

Result<void> write_backup(Store& store, SqlSession& session, const OpenOptions& options,
                          const fs::path& to) {
  std::error_code ignored;
  if (fs::exists(beside(to, "-wal"), ignored))
    return fail(ErrorCode::Conflict, to.string() +
                                         " is a store in use: a backup over it would mix the two; "
                                         "give another path");
  if (fs::is_directory(to, ignored))
    return fail(ErrorCode::InvalidArgument, to.string() + " is a folder: give a file path");
  if (!fs::is_directory(fs::absolute(to).parent_path(), ignored))
    return fail(ErrorCode::NotFound, "backup to " + to.string() + ": its folder is not there");
  const fs::path part = beside(to, ".part-" + std::to_string(::getpid()));
  remove_database(part);
  const auto written = [&]() -> Result<void> {
    auto copied = session.copy_to(part);
    if (!copied) return fail(std::move(copied.error()));
    if (!*copied) return copy_through_interface(store, options, part);
    return {};
  }();
  if (!written) {
    remove_database(part);
    return fail(Error(written.error()).during("backup to " + to.string()));
  }
  std::error_code failed;
  fs::rename(part, to, failed);
  if (failed) {
    remove_database(part);
    return fail(ErrorCode::Unavailable, "backup to " + to.string() + ": " + failed.message());
  }
  return {};
}

}  // namespace kneepoint::store
