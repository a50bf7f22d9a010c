#include "app/write_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"

namespace kneepoint::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WriteFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("write_folder." + std::to_string(::getpid()) + "." +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<FolderReport> write(const std::string& tag, bool force = false) {
    return write_folder(folder_,
                        {{"base/a.yaml", "a " + tag},
                         {"overlays/production/kustomization.yaml", "o " + tag},
                         {"NOTES.txt", "n " + tag}},
                        force);
  }
  std::string text(const std::string& path) { return read_file(folder_ / path).value_or("gone"); }

  std::filesystem::path folder_;
};

TEST_F(WriteFolder, WritesAgainWhatNobodyTouched) {
  ASSERT_TRUE(write("1"));
  const auto again = write("2");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_THAT(again->kept, IsEmpty());
  EXPECT_EQ(text("base/a.yaml"), "a 2");
  EXPECT_EQ(text("overlays/production/kustomization.yaml"), "o 2");
}

TEST_F(WriteFolder, KeepsAnEditedOverlayEachTime) {
  ASSERT_TRUE(write("1"));
  ASSERT_TRUE(write_file(folder_ / "overlays/production/kustomization.yaml", "mine"));
  for (const char* tag : {"2", "3"}) {
    const auto again = write(tag);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_THAT(again->kept, ElementsAre("overlays/production/kustomization.yaml"));
    EXPECT_EQ(text("overlays/production/kustomization.yaml"), "mine");
    EXPECT_EQ(text("base/a.yaml"), std::string("a ") + tag);
  }
}

TEST_F(WriteFolder, RefusesAnEditedBaseAndWritesNothing) {
  ASSERT_TRUE(write("1"));
  ASSERT_TRUE(write_file(folder_ / "base/a.yaml", "mine"));
  const auto refused = write("2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("base/a.yaml"));
  EXPECT_THAT(refused.error().message, HasSubstr("--force"));
  EXPECT_EQ(text("NOTES.txt"), "n 1");
  ASSERT_TRUE(write("2", true));
  EXPECT_EQ(text("base/a.yaml"), "a 2");
}

TEST_F(WriteFolder, AFileOfSomebodyElseCountsAsEdited) {
  std::filesystem::create_directories(folder_ / "base");
  ASSERT_TRUE(write_file(folder_ / "base/a.yaml", "theirs"));
  EXPECT_FALSE(write("1"));
  EXPECT_EQ(text("base/a.yaml"), "theirs");
  ASSERT_TRUE(write_file(folder_ / "base/a.yaml", "a 1"));  // the same is nothing to ask about
  EXPECT_TRUE(write("1"));
}

TEST_F(WriteFolder, NamesWhatIsNoLongerPartOfTheSet) {
  ASSERT_TRUE(write("1"));
  const auto less = write_folder(folder_, {{"base/b.yaml", "b"}}, false);
  ASSERT_TRUE(less);
  EXPECT_THAT(less->stale,
              ElementsAre("NOTES.txt", "base/a.yaml", "overlays/production/kustomization.yaml"));
}

}  // namespace
}  // namespace kneepoint::app
