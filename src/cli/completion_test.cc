#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

namespace kneepoint::cli {
namespace {

using testing::HasSubstr;

bool has(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::string script_file(const std::string& shell) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("kneepoint_completion_" + std::to_string(::getpid()) + "." + shell);
  std::ofstream(path) << *completion_script(shell);
  return path.string();
}

std::string output_of(const std::string& command) {
  const auto close = [](FILE* pipe) { pclose(pipe); };
  const std::unique_ptr<FILE, decltype(close)> pipe(popen(command.c_str(), "r"), close);
  std::string out;
  std::array<char, 4096> buffer;
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) {
    out += buffer.data();
  }
  return out;
}

// What bash would offer for these words, the last one being typed; words as bash splits them.
std::string offered(const std::string& words) {
  return output_of("bash -c 'source " + script_file("bash") + "; COMP_WORDS=(kneepoint " + words +
                   "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kneepoint 2>&1; echo "
                   "\" ${COMPREPLY[@]} \"'");
}

TEST(BashCompletion, OffersCommandsThenTheirWords) {
  EXPECT_THAT(offered("rec"), HasSubstr(" recommend "));
  EXPECT_EQ(offered("profiles \"\""), " show list \n");
  EXPECT_EQ(offered("container ai profiles use-case \"\""), " list \n");
  EXPECT_THAT(offered("container ai profiles \"\""), HasSubstr(" manifests "));
}

TEST(BashCompletion, OffersFlagsOfTheCommandAndItsAliases) {
  for (const char* path : {"profiles list", "container ai profiles list"}) {
    const std::string flags = offered(std::string(path) + " --target-t");
    EXPECT_THAT(flags, HasSubstr(" --target-ttft-milliseconds= ")) << path;
    EXPECT_THAT(flags, HasSubstr(" --target-tpot-milliseconds= ")) << path;
  }
  EXPECT_EQ(offered("catalog info --target"), "  \n");
}

TEST(BashCompletion, OffersChoicesAfterABlankAndAfterEquals) {
  EXPECT_EQ(offered("profiles list --pricing-model \"\""),
            " spot on-demand 1-year-cud 3-years-cud \n");
  EXPECT_EQ(offered("profiles list --pricing-model = on"), " on-demand \n");
  EXPECT_EQ(offered("profiles list --pricing-model ="),
            " spot on-demand 1-year-cud 3-years-cud \n");
  EXPECT_EQ(offered("completion \"\""), " bash zsh fish \n");
}

TEST(BashCompletion, SkipsValuesOnTheWayToTheCommand) {
  EXPECT_EQ(offered("--store store catalog \"\""), " info check \n");
  EXPECT_EQ(offered("--store = store catalog \"\""), " info check \n");
}

TEST(BashCompletion, OffersFilesWhereAFileIsMeant) {
  EXPECT_THAT(offered("prices import /etc/host"), HasSubstr(" /etc/hosts"));
  EXPECT_THAT(offered("benchmarks plot --svg /etc/host"), HasSubstr(" /etc/hosts"));
}

TEST(CompletionScripts, AreWrittenInTheirShellsLanguage) {
  EXPECT_EQ(std::system(("bash -n " + script_file("bash")).c_str()), 0);
  if (has("zsh")) {
    EXPECT_EQ(std::system(("zsh -n " + script_file("zsh")).c_str()), 0);
  }
  if (has("fish")) {
    EXPECT_EQ(std::system(("fish -n " + script_file("fish")).c_str()), 0);
  }
}

TEST(ZshCompletion, OffersCommandsFlagsAndChoices) {
  if (!has("zsh")) GTEST_SKIP() << "zsh is not installed";
  const auto complete = [](const std::string& words) {
    return output_of("HOME=" + testing::TempDir() +
                     " zsh -f -c 'autoload -Uz compinit && compinit -D "
                     "-u; source " +
                     script_file("zsh") + "; emulate sh; COMP_WORDS=(kneepoint " + words +
                     "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kneepoint; echo "
                     "\" ${COMPREPLY[@]} \"' 2>&1");
  };
  EXPECT_EQ(complete("profiles \"\""), " show list \n");
  EXPECT_THAT(complete("profiles list --target-t"), HasSubstr("--target-ttft-milliseconds="));
  // zsh itself leaves out what does not start with the typed word.
  EXPECT_THAT(complete("profiles list --pricing-model=on"), HasSubstr("--pricing-model=on-demand"));
}

TEST(FishCompletion, OffersCommandsFlagsAndChoices) {
  if (!has("fish")) GTEST_SKIP() << "fish is not installed";
  const auto complete = [](const std::string& line) {
    return output_of("HOME=" + testing::TempDir() + " fish --no-config -c 'source " +
                     script_file("fish") + "; complete -C \"kneepoint " + line + "\"' 2>/dev/null");
  };
  EXPECT_THAT(complete("profiles "), HasSubstr("show"));
  EXPECT_THAT(complete("profiles list --target-t"), HasSubstr("--target-ttft-milliseconds"));
  EXPECT_THAT(complete("profiles list --pricing-model="), HasSubstr("on-demand"));
}

TEST(CompletionScripts, AnUnknownShellIsRefusedByName) {
  EXPECT_THAT(completion_script("tcsh").error().message, HasSubstr("tcsh"));
}

}  // namespace
}  // namespace kneepoint::cli
