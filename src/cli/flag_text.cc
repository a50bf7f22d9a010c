#include "cli/flag_text.h"

#include <algorithm>

#include "base/result.h"
#include "cli/check_value.h"

namespace kneepoint::cli {

std::string flag_synopsis(const Flag& flag) {
  std::string words(flag.name);
  if (flag.type != FlagType::Switch) words += "=" + std::string(flag.value);
  if (flag.type == FlagType::Switch && !flag.choices.empty()) {
    words += "[=" + std::string(flag.value) + "]";
  }
  if (flag.type == FlagType::List) words += ",...";
  if (flag.repeatable) words += " (may be repeated)";
  return words;
}

std::string flag_sentence(const Flag& flag) {
  std::string words(flag.sentence);
  if (!flag.choices.empty()) words += " One of: " + one_of(flag.choices) + ".";
  if (!flag.fallback.empty()) words += " Default: " + std::string(flag.fallback) + ".";
  if (!flag.alias.empty()) words += " Also: " + std::string(flag.alias) + ".";
  return words;
}

std::string usage_line(const Command& command) {
  std::string line = "kneepoint " + std::string(command.path);
  bool optional = false;
  for (const Flag& flag : command.flags) {
    if (flag.required) {
      line += " " + flag_synopsis(flag);
    } else {
      optional = optional || !flag.hidden;
    }
  }
  for (const Positional& word : command.positionals) {
    std::string name(word.name);
    if (word.many) name += "...";
    line += word.required ? " " + name : " [" + name + "]";
  }
  if (optional) line += " [flags]";
  return line;
}

std::vector<FlagSection> flag_sections(const Command& command) {
  std::vector<FlagSection> sections;
  for (const FlagGroup group :
       {FlagGroup::Query, FlagGroup::Target, FlagGroup::Price, FlagGroup::Output}) {
    FlagSection section{group, {}};
    for (const Flag& flag : command.flags) {
      if (flag.group == group && !flag.hidden) section.flags.push_back(&flag);
    }
    if (!section.flags.empty()) sections.push_back(std::move(section));
  }
  return sections;
}

std::vector<const Flag*> shown_global_flags() {
  std::vector<const Flag*> shown;
  for (const Flag& flag : global_flags()) {
    if (!flag.hidden) shown.push_back(&flag);
  }
  return shown;
}

std::vector<Entry> entries_below(std::string_view group) {
  const std::string prefix = group.empty() ? "" : std::string(group) + " ";
  std::vector<Entry> entries;
  const auto add = [&](std::string_view path, const Command& command) {
    if (!path.starts_with(prefix)) return;
    const std::size_t end = path.find(' ', prefix.size());
    const std::string_view words = path.substr(0, end);
    for (const Entry& entry : entries) {
      if (entry.words == words) return;
    }
    const bool whole = words == path;
    entries.push_back({std::string(words),
                       std::string(whole ? command.summary : group_summary(words)),
                       whole ? &command : nullptr});
  };
  for (const Command& c : commands()) {
    add(c.path, c);
    for (const std::string_view alias : c.aliases) add(alias, c);
  }
  return entries;
}

std::vector<ExitStatus> exit_statuses() {
  return {{0, "Done."},
          {exit_code(ErrorCode::InvalidArgument), "A flag, a word or a file cannot be understood."},
          {exit_code(ErrorCode::NotFound), "What was named does not exist."},
          {exit_code(ErrorCode::Unsatisfiable), "Nothing meets the targets."},
          {exit_code(ErrorCode::Conflict), "It is there already, or somebody else holds it."},
          {exit_code(ErrorCode::Incompatible), "Written by a newer version."},
          {exit_code(ErrorCode::Unavailable), "A server, disk or file is not reachable now."},
          {exit_code(ErrorCode::Internal), "A mistake in the program: please report it."}};
}

}  // namespace kneepoint::cli
