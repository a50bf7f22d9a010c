#include "cli/command_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "cli/check_value.h"
#include "cli/parse.h"

namespace kneepoint::cli {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

TEST(CommandTable, EveryPathAndAliasLeadsToOneCommand) {
  std::set<std::string_view> seen;
  for (const std::string_view path : all_paths()) {
    EXPECT_TRUE(seen.insert(path).second) << path << " is there twice";
    ASSERT_NE(find_command(path), nullptr) << path;
    EXPECT_FALSE(is_group(path)) << path << " is a command and a group";
  }
}

TEST(CommandTable, EveryPathOfGcloudIsThereInGaAndAlpha) {
  for (const char* words :
       {"models list", "model-servers list", "model-server-versions list", "list",
        "benchmarks list", "manifests create", "use-case list", "serving-stacks list",
        "serving-stack-versions list", "accelerators list", "model-and-server-combinations list"}) {
    for (const char* track : {"container ai profiles ", "alpha container ai profiles "}) {
      EXPECT_NE(find_command(std::string(track) + words), nullptr) << track << words;
    }
  }
}

TEST(CommandTable, AliasesAreTheSameCommandSoTheyTakeTheSameFlags) {
  for (const Command& c : commands()) {
    for (const std::string_view alias : c.aliases) {
      EXPECT_EQ(find_command(alias), find_command(c.path)) << alias;
      const Result<Parsed> help = parse(words_of(std::string(alias) + " --help"));
      ASSERT_TRUE(help) << help.error().message;
      EXPECT_EQ(help->topic(), alias);
    }
  }
}

TEST(CommandTable, EveryFlagOfGcloudIsTaken) {
  struct Row {
    CommandId id;
    std::vector<const char*> flags;
  };
  const std::vector<const char*> list_flags{"--filter",  "--limit", "--page-size",
                                            "--sort-by", "--uri",   "--format"};
  const std::vector<Row> rows{
      {CommandId::ProfilesList,
       {"--model", "--model-server", "--model-server-version", "--target-ntpot-milliseconds",
        "--target-ttft-milliseconds", "--target-itl-milliseconds",
        "--target-cost-per-million-output-tokens", "--target-cost-per-million-input-tokens",
        "--pricing-model", "--use-case", "--target-input-length", "--target-output-length",
        "--serving-stack", "--serving-stack-version"}},
      {CommandId::BenchmarksList,
       {"--model", "--model-server", "--model-server-version", "--instance-type", "--pricing-model",
        "--use-case", "--serving-stack", "--serving-stack-version"}},
      {CommandId::ManifestsCreate,
       {"--model", "--model-server", "--accelerator-type", "--model-server-version",
        "--target-ntpot-milliseconds", "--target-ttft-milliseconds", "--target-itl-milliseconds",
        "--namespace", "--output", "--output-path", "--model-bucket-uri", "--use-case",
        "--serving-stack", "--serving-stack-version"}},
      {CommandId::ModelServersList, {"--model"}},
      {CommandId::ModelServerVersionsList, {"--model", "--model-server"}},
      {CommandId::ServingStacksList, {"--model", "--model-server"}},
      {CommandId::ServingStackVersionsList, {"--serving-stack", "--model", "--model-server"}},
      {CommandId::AcceleratorsList,
       {"--model", "--model-server", "--model-server-version", "--max-ntpot-milliseconds",
        "--target-cost-per-million-output-tokens", "--target-cost-per-million-input-tokens",
        "--pricing-model"}},
      {CommandId::CombinationsList, {"--model", "--model-server", "--model-server-version"}},
      {CommandId::ModelsList, {}},
      {CommandId::UseCasesList, {}}};
  for (const Row& row : rows) {
    const Command& c = command(row.id);
    for (const char* flag : row.flags) EXPECT_NE(find_flag(c, flag), nullptr) << c.path << flag;
    if (row.id != CommandId::ManifestsCreate) {
      for (const char* flag : list_flags) EXPECT_NE(find_flag(c, flag), nullptr) << c.path << flag;
    }
    for (const char* flag : {"--project", "--billing-project", "--quiet", "--verbosity"}) {
      EXPECT_NE(find_flag(c, flag), nullptr) << c.path << flag;
    }
  }
}

TEST(CommandTable, FlagsOfACommandHaveDifferentNames) {
  for (const Command& c : commands()) {
    std::set<std::string_view> seen;
    const auto add = [&](std::span<const Flag> flags) {
      for (const Flag& flag : flags) {
        EXPECT_TRUE(seen.insert(flag.name).second) << c.path << " " << flag.name;
        if (!flag.alias.empty()) {
          EXPECT_TRUE(seen.insert(flag.alias).second) << c.path << " " << flag.alias;
        }
      }
    };
    add(c.flags);
    add(global_flags());
  }
}

TEST(CommandTable, EveryFlagHasASentenceAndAGoodDefault) {
  for (const Command& c : commands()) {
    for (const Flag& flag : c.flags) {
      EXPECT_TRUE(flag.name.starts_with("--")) << flag.name;
      EXPECT_TRUE(flag.sentence.ends_with('.')) << flag.name << ": " << flag.sentence;
      EXPECT_EQ(flag.value.empty(), flag.type == FlagType::Switch && flag.choices.empty())
          << flag.name;
      if (!flag.fallback.empty()) {
        EXPECT_TRUE(check_value(flag, flag.fallback)) << flag.name << " " << flag.fallback;
      }
      if (flag.type == FlagType::Choice || flag.type == FlagType::Format) {
        EXPECT_FALSE(flag.choices.empty()) << flag.name;
      }
      EXPECT_FALSE(flag.required && !flag.fallback.empty()) << flag.name;
    }
  }
}

TEST(CommandTable, IgnoredFlagsAreHiddenAndSayWhyTheyDoNothing) {
  const auto look = [](std::span<const Flag> flags) {
    for (const Flag& flag : flags) {
      if (flag.group != FlagGroup::Ignored) continue;
      EXPECT_TRUE(flag.hidden) << flag.name;
      EXPECT_TRUE(flag.sentence.starts_with("Ignored: ")) << flag.name;
    }
  };
  for (const Command& c : commands()) look(c.flags);
  look(global_flags());
}

TEST(CommandTable, EveryExampleParses) {
  for (const Command& c : commands()) {
    const Result<Parsed> parsed = parse(words_of(c.example));
    ASSERT_TRUE(parsed) << c.path << ": " << parsed.error().message;
    if (parsed->want() == Parsed::Want::Run) {
      EXPECT_EQ(&parsed->command(), &command(c.id)) << c.path;
    }
  }
}

TEST(CommandTable, EveryGroupHasASummary) {
  for (const std::string_view path : all_paths()) {
    for (std::size_t at = path.find(' '); at != std::string_view::npos;
         at = path.find(' ', at + 1)) {
      EXPECT_FALSE(group_summary(path.substr(0, at)).empty()) << path.substr(0, at);
    }
  }
}

}  // namespace
}  // namespace kneepoint::cli
