#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_table.h"

/// The words about commands and flags that help, man pages and docs/cli.md share.
namespace kneepoint::cli {

/// "--model=MODEL", "--evidence", "--catalog=DIR (may be repeated)".
std::string flag_synopsis(const Flag& flag);
/// The sentence with its choices, default and other name.
std::string flag_sentence(const Flag& flag);
/// "kneepoint benchmarks list --model=MODEL --model-server=SERVER [flags]".
std::string usage_line(const Command& command);

/// The command's visible flags by group, in the order of FlagGroup; global ones left out.
struct FlagSection {
  FlagGroup group;
  std::vector<const Flag*> flags;
};
std::vector<FlagSection> flag_sections(const Command& command);
/// Global flags that are shown.
std::vector<const Flag*> shown_global_flags();

/// How the program ends, from the error table of base.
struct ExitStatus {
  int number;
  std::string_view words;
};
std::vector<ExitStatus> exit_statuses();

/// What stands directly below a group: commands, and groups of their own.
struct Entry {
  std::string words;  // the whole path
  std::string summary;
  const Command* command;  // nullptr: a group
};
std::vector<Entry> entries_below(std::string_view group);

}  // namespace kneepoint::cli
