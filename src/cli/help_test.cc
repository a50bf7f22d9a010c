#include "cli/help.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "cli/command_table.h"
#include "cli/flag_text.h"
#include "cli/man.h"

namespace kneepoint::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Help, NoLineIsWiderThanAsked) {
  std::vector<std::string_view> topics = all_paths();
  topics.insert(topics.end(), {"", "profiles", "container ai profiles", "store"});
  for (const std::string_view topic : topics) {
    std::istringstream lines(help_text(topic, 80));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 80U) << topic << ": " << line;
      EXPECT_FALSE(line.ends_with(' ')) << topic << ": " << line;
    }
  }
}

TEST(Help, ShowsEveryFlagButTheHiddenOnes) {
  for (const Command& c : commands()) {
    const std::string text = help_text(c.path, 80);
    for (const Flag& flag : c.flags) {
      EXPECT_THAT(text, flag.hidden ? testing::Matcher<std::string>(
                                          Not(HasSubstr("  " + flag_synopsis(flag) + "\n")))
                                    : HasSubstr("  " + flag_synopsis(flag) + "\n"))
          << c.path;
    }
    EXPECT_THAT(text, HasSubstr("EXAMPLE\n  kneepoint ")) << c.path;
    EXPECT_THAT(text, Not(HasSubstr("--billing-project")));
  }
}

TEST(Help, AGroupListsItsCommands) {
  EXPECT_THAT(help_text("profiles", 80), HasSubstr("  list  "));
  EXPECT_THAT(help_text("profiles", 80), HasSubstr("  show  "));
  const std::string tree = help_text("container ai profiles", 80);
  for (const char* word :
       {"  models ", "  list ", "  benchmarks ", "  use-case ", "  manifests "}) {
    EXPECT_THAT(tree, HasSubstr(word));
  }
}

TEST(Help, TheProgramListsEveryCommandAndSaysNoProjectIsNeeded) {
  const std::string text = help_text("", 80);
  for (const Command& c : commands())
    EXPECT_THAT(text, HasSubstr("  " + std::string(c.path) + " "));
  EXPECT_THAT(text, HasSubstr("No Google Cloud project"));
}

// docs/cli.md is what cli_reference_markdown() says; UPDATE_GOLDEN=1 rewrites it.
TEST(CliReference, IsWhatTheTableSays) {
  const std::filesystem::path path = std::filesystem::path(KP_SOURCE_DIR) / "docs/cli.md";
  const std::string text = cli_reference_markdown();
  if (std::getenv("UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string kept((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(kept, text) << "run with UPDATE_GOLDEN=1";
}

TEST(ManPages, OnePerCommandAndOneForTheProgram) {
  const std::vector<ManPage> pages = man_pages("0.1.0", "2026-08-21");
  EXPECT_EQ(pages.size(), commands().size() + 1);
  EXPECT_EQ(pages.front().file, "kneepoint.1");
}

TEST(ManPages, TheServersPageIsThatOfItsProgramToo) {
  const auto pages = man_pages("0.1.0", "2026-08-21");
  const auto page = std::find_if(pages.begin(), pages.end(), [](const ManPage& one) {
    return one.file == "kneepoint-serve.1";
  });
  ASSERT_NE(page, pages.end());
  for (const char* part : {"kneepoint\\-serve [flags]", ".SH THE PROGRAM", ".SH SIGNALS", "SIGHUP",
                           ".SH FILES", "/etc/default/kneepoint"}) {
    EXPECT_THAT(page->roff, HasSubstr(part));
  }
  for (const Flag& flag : command(CommandId::Serve).flags) {
    std::string name(flag.name);
    for (std::size_t at = 0; (at = name.find('-', at)) != std::string::npos; at += 2) {
      name.insert(at, "\\");
    }
    EXPECT_THAT(page->roff, HasSubstr(".B " + name));
  }
}

TEST(ManPages, PassTheFormattersWithoutAWarning) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "kneepoint_man";
  std::filesystem::create_directories(folder);
  for (const ManPage& page : man_pages("0.1.0", "2026-08-21")) {
    std::ofstream(folder / page.file) << page.roff;
  }
  const auto has = [](const std::string& program) {
    return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
  };
  bool checked = false;
  if (has("groff")) {
    checked = true;
    const std::string command = "cd " + folder.string() +
                                " && for p in *.1; do groff -man -ww -Tutf8 -z $p 2>&1; done | "
                                "grep -v 'cannot find' | tee warnings; test ! -s warnings";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
  if (has("mandoc")) {
    checked = true;
    const std::string command = "cd " + folder.string() +
                                " && mandoc -T lint -W warning *.1 | grep -v mandoc.db | tee "
                                "warnings; test ! -s warnings";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
  if (!checked) GTEST_SKIP() << "neither groff nor mandoc is installed";
}

}  // namespace
}  // namespace kneepoint::cli
