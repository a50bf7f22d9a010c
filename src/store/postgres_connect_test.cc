#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/testing/test_stores.h"

// Connections that fail: needs the driver and no server.
namespace kneepoint::store {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PostgresConnect, TellsAPathFromADatabase) {
  EXPECT_TRUE(is_postgres("postgresql://user@host/db"));
  EXPECT_TRUE(is_postgres("postgres:///db"));
  EXPECT_TRUE(is_postgres("host=/run/postgresql dbname=x"));
  EXPECT_TRUE(is_postgres("service = team"));
  EXPECT_FALSE(is_postgres("/home/u/store.db"));
  EXPECT_FALSE(is_postgres("odd=name.db"));
}

TEST(PostgresConnect, SaysWhatToDoWhenRefused) {
  const Error refused =
      error_of(open("postgresql://u:sekret@127.0.0.1:1/db?connect_timeout=2", options()));
  EXPECT_EQ(refused.code, ErrorCode::Unavailable);
  EXPECT_THAT(refused.message, HasSubstr("127.0.0.1"));
  EXPECT_THAT(refused.message, HasSubstr("see that the server runs"));
  EXPECT_THAT(refused.message, Not(HasSubstr("sekret")));
}

TEST(PostgresConnect, NeverRepeatsAPassword) {
  for (const char* where :
       {"postgresql://u:sek%72et@127.0.0.1:1/db", "postgresql://u:sekret@x@127.0.0.1:1/db",
        "postgresql://u:1sekret/y@127.0.0.1:1/db", "postgresql://u:sekret/y@127.0.0.1:1/db",
        "postgresql://u:a@sekret:1@127.0.0.1:1/db", "postgresql://127.0.0.1:1/db?password=sekret",
        "postgresql://127.0.0.1:1/db?password=%zzsekret", "host=127.0.0.1 port=1 password=sekret",
        "host=127.0.0.1 port=1 password='sekret", "host=127.0.0.1 port=1 password=a sekret",
        "host=127.0.0.1 port=1 password = a sekret=1"}) {
    const Error refused = error_of(open(where, options()));
    EXPECT_THAT(refused.message, Not(HasSubstr("sekret"))) << where;
    EXPECT_THAT(refused.message, HasSubstr("PostgreSQL")) << where;
  }
}

}  // namespace
}  // namespace kneepoint::store
