#include "store/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "store/sql_store.h"
#include "store/testing/random_profiles.h"
#include "store/testing/test_stores.h"

namespace kneepoint::store {
namespace {

using testing::HasSubstr;

/// The released schema and one step more.
std::vector<Migration> one_more(std::vector<std::string> sql) {
  std::vector<Migration> steps(migrations().begin(), migrations().end());
  steps.push_back({steps.back().version + 1, "one more", std::move(sql)});
  return steps;
}

TEST(Migrations, CountFromOneWithoutGaps) {
  int expected = 1;
  for (const Migration& step : migrations()) EXPECT_EQ(step.version, expected++);
}

TEST(Migrations, BringAnOlderStoreUpToDateAndKeepItsContent) {
  const TempFolder folder;
  const auto profiles = RandomProfiles(1).take(10);
  must(must(open(folder / "store.db", options()))->put_all(profiles));
  const auto steps =
      one_more({"ALTER TABLE layer ADD COLUMN note TEXT", "UPDATE layer SET note = 'n'"});

  const Error older = error_of(
      SqlStore::start(must(open_session(folder / "store.db", reading())), reading(), steps));
  EXPECT_EQ(older.code, ErrorCode::Incompatible);
  EXPECT_THAT(older.message, HasSubstr("open it once for writing"));

  auto store =
      must(SqlStore::start(must(open_session(folder / "store.db", options())), options(), steps));
  EXPECT_EQ(store->schema_version(), steps.back().version);
  EXPECT_EQ(ids_of(must(store->find({}, Detail::Full))), ids_of(profiles));
  EXPECT_EQ(error_of(open(folder / "store.db", options())).code, ErrorCode::Incompatible);
}

TEST(Migrations, AllHappenOrNone) {
  const TempFolder folder;
  const auto steps = one_more({"CREATE TABLE half (x INTEGER)", "NOT SQL AT ALL"});
  const Error failed = error_of(
      SqlStore::start(must(open_session(folder / "store.db", options())), options(), steps));
  EXPECT_THAT(failed.message,
              HasSubstr("migrate the store to version " + std::to_string(steps.back().version)));
  auto session = must(open_session(folder / "store.db", options()));
  EXPECT_FALSE(must(session->has_table("half")));
  EXPECT_FALSE(must(session->has_table("layer")));
  EXPECT_EQ(must(open(folder / "store.db", options()))->schema_version(),
            migrations().back().version);
}

}  // namespace
}  // namespace kneepoint::store
