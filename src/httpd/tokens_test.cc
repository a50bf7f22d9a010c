#include "httpd/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kneepoint::httpd {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ATokenFile : public ::testing::Test {
 protected:
  std::string write(std::string_view text, mode_t mode = 0600) {
    // Put in its place as a Secret is: another file under the same name.
    const auto beside = path_ + ".new";
    std::ofstream(beside, std::ios::trunc) << text;
    ::chmod(beside.c_str(), mode);
    std::filesystem::rename(beside, path_);
    return path_;
  }
  void TearDown() override { std::filesystem::remove(path_); }

  const std::string path_ = ::testing::TempDir() + "kneepoint-tokens-" + std::to_string(::getpid());
};

TEST_F(ATokenFile, SaysWhoMayDoWhat) {
  const auto table = TokenTable::open(
      write("# who   right\nci\tread  0123456789abcdef\n\nops deploy "
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n"));
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ((*table)->size(), 2U);
  const auto ci = (*table)->find("0123456789abcdef");
  ASSERT_TRUE(ci);
  EXPECT_EQ(ci->name, "ci");
  EXPECT_EQ(ci->right, Right::Read);
  const auto ops = (*table)->find("test");  // whose hash the file has
  ASSERT_TRUE(ops);
  EXPECT_EQ(ops->right, Right::Deploy);
  for (const auto* wrong : {"", "0123456789abcde", "0123456789abcdef0", "ci"})
    EXPECT_FALSE((*table)->find(wrong)) << wrong;
  EXPECT_FALSE((*table)->find(std::string(100'000, 'x')));
}

TEST_F(ATokenFile, MustBeClosedToOthers) {
  for (const mode_t mode : {0644, 0604, 0660, 0606}) {
    const auto table = TokenTable::open(write("ci read 0123456789abcdef\n", mode));
    ASSERT_FALSE(table) << mode;
    EXPECT_THAT(table.error().message, HasSubstr("chmod 600"));
  }
  EXPECT_TRUE(TokenTable::open(write("ci read 0123456789abcdef\n", 0440)));  // a Secret's
}

TEST_F(ATokenFile, IsRefusedByLineWithoutItsSecrets) {
  for (const auto* text : {"a read 0123456789abcdef\nci read\n",
                           "a read 0123456789abcdef\nci root secret-0123456789\n",
                           "a read 0123456789abcdef\nci read secret\n",
                           "a read 0123456789abcdef\nb read sha256:secret\n",
                           "a read secret-0123456789\nb read secret-0123456789\n"}) {
    const auto table = TokenTable::open(write(text));
    ASSERT_FALSE(table) << text;
    EXPECT_THAT(table.error().message, HasSubstr("line 2")) << text;
    EXPECT_THAT(table.error().message, Not(HasSubstr("secret"))) << text;
  }
  EXPECT_FALSE(TokenTable::open(write("# nobody\n")));
  EXPECT_FALSE(TokenTable::open("/nowhere/tokens"));
}

TEST_F(ATokenFile, IsReadAgainWhenItChanged) {
  const auto table = *TokenTable::open(write("ci read 0123456789abcdef\n"));
  EXPECT_EQ(table->refresh(), false);
  write("ci write fedcba9876543210\n");
  EXPECT_EQ(table->refresh(), true);
  EXPECT_FALSE(table->find("0123456789abcdef"));
  EXPECT_EQ(table->find("fedcba9876543210")->right, Right::Write);

  write("nonsense\n");
  EXPECT_FALSE(table->refresh());
  EXPECT_TRUE(table->find("fedcba9876543210")) << "a broken file locks nobody out";
}

TEST(BearerToken, IsOfThatSchemeAlone) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bEARER  abc "), "abc");
  for (const auto* text : {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc"})
    EXPECT_FALSE(bearer_token(text)) << text;
}

}  // namespace
}  // namespace kneepoint::httpd
