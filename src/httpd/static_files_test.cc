#include "httpd/static_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kneepoint::httpd {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class AConsole : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    write("index.html", "<!doctype html>" + std::string(1000, ' '));
    write("assets/app-1a2B3c4D.js", std::string(2000, ';'));
    write("assets/app-1a2B3c4D.js.br", "packed by brotli");
    write("assets/date-picker.css", "a{}");
    write(".secret", "hidden");
    fs::create_symlink("/etc/passwd", folder_ / "link.txt");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
  }
  Answer get(std::string_view path, std::string_view name = "", std::string_view value = "") {
    const auto files = StaticFiles::read(folder_);
    return files->answer(
        path, [&](std::string_view field) { return field == name ? value : std::string_view(); });
  }

  const fs::path folder_ =
      fs::path(::testing::TempDir()) / ("console-" + std::to_string(::getpid()));
};

TEST_F(AConsole, AnswersFilesByTheirType) {
  const auto page = get("/");
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.fields, Contains(Pair("Cache-Control", "no-cache")));
  const auto script = get("/assets/app-1a2B3c4D.js");
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
  EXPECT_THAT(script.fields, Contains(Pair("Cache-Control", HasSubstr("immutable"))));
  EXPECT_THAT(get("/assets/date-picker.css").fields, Contains(Pair("Cache-Control", "no-cache")));
}

TEST_F(AConsole, SendsPackedTextToWhoTakesIt) {
  const auto brotli = get("/assets/app-1a2B3c4D.js", "accept-encoding", "gzip, br");
  EXPECT_THAT(brotli.fields, Contains(Pair("Content-Encoding", "br")));
  EXPECT_EQ(*brotli.body, "packed by brotli");
  const auto gzip = get("/assets/app-1a2B3c4D.js", "accept-encoding", "gzip");
  EXPECT_THAT(gzip.fields, Contains(Pair("Content-Encoding", "gzip")));
  EXPECT_LT(gzip.body->size(), 100U);
  EXPECT_THAT(get("/").fields, Not(Contains(Key("Content-Encoding"))));
  EXPECT_THAT(get("/").fields, Contains(Pair("Vary", "Accept-Encoding")));
}

TEST_F(AConsole, SendsNothingThatIsKnownAlready) {
  std::string tag;
  for (const auto& [name, value] : get("/").fields)
    if (name == "ETag") tag = value;
  EXPECT_EQ(get("/", "if-none-match", tag).status, 304);
  EXPECT_EQ(get("/", "if-none-match", "\"other\", " + tag).status, 304);
  EXPECT_EQ(get("/", "if-none-match", "\"other\"").status, 200);
}

TEST_F(AConsole, AnswersItsViewsWithTheOnePage) {
  EXPECT_EQ(get("/models/meta-llama/Llama-3.1-8B").content_type, "text/html; charset=utf-8");
  EXPECT_EQ(get("/compare").status, 200);
  EXPECT_EQ(get("/assets/gone-1a2b3c4d.js").status, 404);
}

TEST_F(AConsole, HoldsNothingFromOutsideItsFolder) {
  for (const auto* path :
       {"/../secret.txt", "/.secret", "/link.txt", "//etc/passwd", "/assets/../../etc/passwd"}) {
    const auto answer = get(path);
    if (answer.body) {
      EXPECT_THAT(*answer.body, Not(HasSubstr("root:"))) << path;
    }
    if (answer.body) {
      EXPECT_THAT(*answer.body, Not(HasSubstr("hidden"))) << path;
    }
  }
  EXPECT_EQ(StaticFiles::read(folder_)->size(), 3U);
}

TEST_F(AConsole, NeedsItsPage) {
  fs::remove(folder_ / "index.html");
  const auto files = StaticFiles::read(folder_);
  ASSERT_FALSE(files);
  EXPECT_THAT(files.error().message, HasSubstr("index.html"));
  EXPECT_FALSE(StaticFiles::read("/nowhere"));
}

}  // namespace
}  // namespace kneepoint::httpd
