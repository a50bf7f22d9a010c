#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <fstream>
#include <random>

#include "store/sql_store.h"
#include "store/testing/random_profiles.h"
#include "store/testing/test_stores.h"

// What only a file can suffer.
namespace kneepoint::store {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;

void fill(const fs::path& file, int profiles) {
  auto store = must(open(file, options()));
  must(replace(*store, layer("catalog"), RandomProfiles(1).take(profiles)));
}

TEST(SqliteStore, KeepsFileAndFoldersToTheirOwner) {
  const TempFolder folder;
  const fs::path file = folder / "new/folders/store.db";
  auto store = must(open(file, options()));
  must(replace(*store, layer("catalog"), RandomProfiles(1).take(1)));
  const auto mode = [](const fs::path& path) { return fs::status(path).permissions(); };
  EXPECT_EQ(mode(file.parent_path()), fs::perms::owner_all);
  EXPECT_EQ(mode(file), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(mode(file.string() + "-wal"), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(SqliteStore, IsNotMadeWhenNotAskedTo) {
  const TempFolder folder;
  OpenOptions no_create = options();
  no_create.create = false;
  const Error missing = error_of(open(folder / "store.db", no_create));
  EXPECT_EQ(missing.code, ErrorCode::NotFound);
  EXPECT_FALSE(fs::exists(folder / "store.db"));
}

TEST(SqliteStore, NamesTheDriverThatIsMissing) {
  const TempFolder folder;
  OpenOptions elsewhere = options();
  elsewhere.driver_folder = folder.path();
  const Error missing = error_of(open(folder / "store.db", elsewhere));
  EXPECT_EQ(missing.code, ErrorCode::Unavailable);
  EXPECT_THAT(missing.message, HasSubstr("kneepoint-store-sqlite.so is missing; install"));
  std::ofstream(folder / "kneepoint-store-sqlite.so") << "not a module";
  EXPECT_THAT(error_of(open(folder / "store.db", elsewhere)).message,
              HasSubstr("install the package libsqlite3-0"));
}

TEST(SqliteStore, RefusesRandomBytes) {
  const TempFolder folder;
  std::mt19937 random(1);
  std::ofstream out(folder / "store.db", std::ios::binary);
  for (int i = 0; i < 8192; ++i) out.put(static_cast<char>(random()));
  out.close();
  for (const OpenOptions& how : {options(), reading()}) {
    const Error damaged = error_of(open(folder / "store.db", how));
    EXPECT_EQ(damaged.code, ErrorCode::Incompatible);
    EXPECT_THAT(damaged.message, HasSubstr("damaged or not a Kneepoint store: restore a backup"));
  }
}

TEST(SqliteStore, SaysSoWhenPagesAreDamaged) {
  const TempFolder folder;
  const fs::path file = folder / "store.db";
  fill(file, 300);
  const auto size = static_cast<std::streamoff>(fs::file_size(file));
  std::fstream pages(file, std::ios::in | std::ios::out | std::ios::binary);
  pages.seekp(16384);
  for (std::streamoff i = 16384; i < size; ++i) pages.put('\x5a');
  pages.close();
  const auto ask = [&]() -> Result<std::vector<profile::Profile>> {
    auto store = open(file, options());
    if (!store) return fail(store.error());
    return (*store)->find({}, Detail::Full);
  };
  const Error damaged = error_of(ask());
  EXPECT_EQ(damaged.code, ErrorCode::Incompatible) << damaged.message;
}

TEST(SqliteStore, RefusesTheFileOfAnotherProgram) {
  const TempFolder folder;
  {
    auto session = must(open_session(folder / "other.db", options()));
    must(session->exec("CREATE TABLE theirs (x)"));
  }
  const Error refused = error_of(open(folder / "other.db", options()));
  EXPECT_EQ(refused.code, ErrorCode::Incompatible);
  EXPECT_THAT(refused.message, HasSubstr("belongs to another program"));
}

TEST(SqliteStore, RefusesAFolder) {
  const TempFolder folder;
  EXPECT_THAT(error_of(open(folder.path(), options())).message, HasSubstr("is a folder"));
}

/// Runs as a user who may not write, whoever runs the tests.
std::string as_nobody(const std::function<std::string()>& body) {
  return in_child([&] {
    if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0))
      return std::string("no change of user");
    return body();
  });
}

TEST(SqliteStore, IsReadFromAFolderThatCannotBeWritten) {
  const TempFolder folder;
  const fs::path file = folder / "odd %41?#name/store.db";
  fill(file, 20);
  fs::permissions(folder.path(), fs::perms{0755});
  fs::permissions(file.parent_path(), fs::perms{0555});
  fs::permissions(file, fs::perms{0444});
  EXPECT_EQ(as_nobody([&] {
              auto store = must(open(file, reading()));
              return std::to_string(must(store->find({}, Detail::Full)).size());
            }),
            "20");
  const std::string refused = as_nobody([&] { return error_of(open(file, options())).message; });
  EXPECT_THAT(refused, HasSubstr("cannot be written (Permission denied): make the file"));
  fs::permissions(file, fs::perms{0000});
  const std::string unreadable = as_nobody([&] { return error_of(open(file, reading())).message; });
  EXPECT_THAT(unreadable, HasSubstr("cannot be opened (Permission denied): make the file"));
  fs::permissions(file.parent_path(), fs::perms{0755});
}

/// Fills a store that has no room for what comes, and tells what it said and what it then holds.
std::string overfill(const fs::path& file) {
  auto store = must(open(file, options()));
  const Error full = error_of(replace(*store, layer("catalog"), RandomProfiles(2).take(3000)));
  return std::string(name(full.code)) + ": " + full.message + "|" +
         std::to_string(must(store->find({}, Detail::Full)).size());
}

TEST(SqliteStore, KeepsItsContentWhenAFileMayNotGrow) {
  const TempFolder folder;
  const fs::path file = folder / "store.db";
  const std::string said = in_child([&] {
    fill(file, 20);
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400'000, 400'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    return overfill(file);
  });
  EXPECT_THAT(said, HasSubstr("nothing was changed"));
  EXPECT_THAT(said, testing::StartsWith(std::string(name(ErrorCode::Unavailable))));
  EXPECT_THAT(said, testing::EndsWith("|20"));
  EXPECT_EQ(must(must(open(file, options()))->counts({})).profiles, 20);
}

TEST(SqliteStore, KeepsItsContentOnAFullDisk) {
  const TempFolder folder;
  const std::string said = in_child([&] {
    // A disk of one MB, where one may be mounted (root).
    const bool mounted = ::unshare(CLONE_NEWNS) == 0 &&
                         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("none", folder.path().c_str(), "tmpfs", 0, "size=1m") == 0;
    if (!mounted) return std::string("no disk to fill");
    const fs::path file = folder / "store.db";
    fill(file, 20);
    const std::string text = overfill(file);
    return text + "|" + std::to_string(must(must(open(file, options()))->counts({})).profiles);
  });
  // Without root the limit on a file's size above stands for it.
  if (said == "no disk to fill") return;
  EXPECT_THAT(said, HasSubstr("the disk is full; nothing was changed"));
  EXPECT_THAT(said, testing::EndsWith("|20|20"));
}

TEST(SqliteStore, WaitsForAnotherWriterAndThenSaysSo) {
  const TempFolder folder;
  fill(folder / "store.db", 1);
  auto holder = must(open_session(folder / "store.db", options()));
  auto session = must(open_session(folder / "store.db", options()));
  must(session->exec("PRAGMA busy_timeout = 50"));
  auto store = must(SqlStore::start(std::move(session), options()));
  must(holder->begin_write());
  const Error busy = error_of(store->drop_layer("catalog"));
  EXPECT_EQ(busy.code, ErrorCode::Conflict);
  EXPECT_THAT(busy.message, HasSubstr("being written by another process"));
  EXPECT_EQ(must(store->counts({})).profiles, 1);  // reading goes on
  holder->rollback();
  must(store->drop_layer("catalog"));
}

}  // namespace
}  // namespace kneepoint::store
