#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/date.h"

namespace kneepoint {
namespace {

using testing::HasSubstr;

TEST(File, WritesAllOrNothing) {
  const auto folder = std::filesystem::path(testing::TempDir());
  const auto path = folder / "kp_file_test";
  ASSERT_TRUE(write_file(path, "one"));
  ASSERT_TRUE(write_file(path, "two"));
  EXPECT_EQ(read_file(path).value(), "two");
  EXPECT_EQ(MappedFile::open(path)->bytes(), "two");
  std::filesystem::remove(path);
  const auto missing = read_file(path);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(path.string()));
  EXPECT_FALSE(write_file(folder / "no" / "such" / "folder", "x"));
}

TEST(Dates, MonthsAndYearsMeanTheirLastDay) {
  EXPECT_EQ(to_text(parse_date("2026-08-21").value()), "2026-08-21");
  EXPECT_EQ(to_text(parse_date("2026-02").value()), "2026-02-28");
  EXPECT_EQ(to_text(parse_date("2024").value()), "2024-12-31");
  for (const char* bad :
       {"", "26", "2026-13", "2026-02-30", "2026-2-3", "2026-08-21x", "undated"}) {
    EXPECT_FALSE(parse_date(bad)) << bad;
  }
}

}  // namespace
}  // namespace kneepoint
