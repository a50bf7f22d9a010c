#include "cli/help.h"

#include <algorithm>

#include "base/text.h"
#include "cli/flag_text.h"

namespace kneepoint::cli {
namespace {

// Words over lines of at most `width`, each behind `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out, line(indent, ' ');
  for (const std::string_view word : split(text, ' ')) {
    if (line.size() > indent && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line.assign(indent, ' ');
    }
    if (line.size() > indent) line += ' ';
    line += word;
  }
  return out + line + "\n";
}

std::string flag_block(const Flag& flag, std::size_t width) {
  return "  " + flag_synopsis(flag) + "\n" +
         wrapped(flag_sentence(flag) + (flag.required ? " Required." : ""), 6, width);
}

// A shell line, broken before flags, so that it can be copied as it stands.
std::string example_block(std::string_view example, std::size_t width) {
  std::string out, line = "  kneepoint";
  for (const std::string_view word : split(example, ' ')) {
    if (line.size() + word.size() + 3 > width && word.starts_with("--")) {
      out += line + " \\\n";
      line = "     ";
    }
    line += " " + std::string(word);
  }
  return out + line + "\n";
}

std::string command_help(const Command& command, std::size_t width) {
  std::string out = wrapped(std::string(command.summary) + ".", 0, width);
  out += "\nUSAGE\n" + wrapped(usage_line(command), 2, width);
  out += "\n" + wrapped(command.description, 0, width);
  if (!command.positionals.empty()) {
    out += "\nWORDS\n";
    for (const Positional& word : command.positionals) {
      out += "  " + std::string(word.name) + "\n" + wrapped(word.sentence, 6, width);
    }
  }
  for (const FlagSection& section : flag_sections(command)) {
    std::string title(name(section.group));
    std::transform(title.begin(), title.end(), title.begin(),
                   [](char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
    out += "\n" + title + "\n";
    for (const Flag* flag : section.flags) out += flag_block(*flag, width);
  }
  out += "\nEVERY COMMAND\n";
  for (const Flag* flag : shown_global_flags()) out += flag_block(*flag, width);
  out += "\nEXAMPLE\n" + example_block(command.example, width);
  if (!command.aliases.empty()) {
    out += "\nALSO\n";
    for (const std::string_view alias : command.aliases) {
      out += wrapped("kneepoint " + std::string(alias), 2, width);
    }
  }
  return out;
}

std::string group_help(std::string_view group, std::size_t width) {
  const std::string summary(group_summary(group));
  std::string out;
  if (!summary.empty()) out += wrapped(summary + (summary.ends_with('.') ? "" : "."), 0, width);
  const std::string prefix = group.empty() ? "" : std::string(group) + " ";
  out += "\nUSAGE\n  kneepoint " + prefix + "COMMAND [flags]\n\nCOMMANDS\n";
  // From the program down, whole commands are shown at once: nobody wants to walk a tree.
  std::vector<Entry> entries;
  if (group.empty()) {
    for (const Command& c : commands()) {
      entries.push_back({std::string(c.path), std::string(c.summary), &c});
    }
    entries.push_back({"container", std::string(group_summary("container")), nullptr});
    entries.push_back({"alpha container", std::string(group_summary("alpha container")), nullptr});
  } else {
    entries = entries_below(group);
  }
  std::size_t widest = 0;
  for (const Entry& entry : entries) {
    widest = std::max(widest, entry.words.size() - (group.empty() ? 0 : prefix.size()));
  }
  for (const Entry& entry : entries) {
    const std::string words = entry.words.substr(group.empty() ? 0 : prefix.size());
    const std::size_t column = 2 + widest + 2;
    std::string text = wrapped(entry.summary, column, std::max(width, column + 24));
    text.replace(2, words.size(), words);
    out += text;
  }
  if (group.empty()) {
    out += "\nEVERY COMMAND\n";
    for (const Flag* flag : shown_global_flags()) out += flag_block(*flag, width);
    out += "\n" + wrapped(
                      "No Google Cloud project, login or quota is needed: answers come from "
                      "the catalog that ships and from what you add to it.",
                      0, width);
    out += "\nEXAMPLE\n" + example_block(command(CommandId::Recommend).example, width);
    out += "\nEXIT STATUS\n";
    for (const ExitStatus& status : exit_statuses()) {
      const std::string number = std::to_string(status.number);
      out += "  " + number + std::string(4 - number.size(), ' ') + std::string(status.words) + "\n";
    }
  }
  out += "\n" + wrapped("More about one command: kneepoint " + prefix + "COMMAND --help", 0, width);
  return out;
}

std::string markdown_flags(const std::vector<const Flag*>& flags) {
  std::string out = "| Flag | Meaning |\n|---|---|\n";
  for (const Flag* flag : flags) {
    std::string sentence = flag_sentence(*flag) + (flag->required ? " **Required.**" : "");
    for (std::size_t at = 0; (at = sentence.find('|', at)) != std::string::npos; at += 2) {
      sentence.insert(at, "\\");
    }
    out += "| `" + flag_synopsis(*flag) + "` | " + sentence + " |\n";
  }
  return out;
}

}  // namespace

std::string help_text(std::string_view topic, int width) {
  const auto columns = static_cast<std::size_t>(std::clamp(width, 40, 100));
  if (const Command* command = find_command(topic)) return command_help(*command, columns);
  return group_help(topic, columns);
}

std::string cli_reference_markdown() {
  std::string out =
      "# The command line\n\n"
      "Made from the table in `src/cli/command_table.cc` by the program itself; edit that, not "
      "this.\n\n"
      "The commands of `gcloud container ai profiles` and `gcloud alpha container ai profiles` "
      "work word for word after `kneepoint`, with the same flags. Each also has a short form, "
      "which is the one shown here. No Google Cloud project, login or quota is needed.\n\n"
      "Flags take their value as `--flag=value` or `--flag value`; switches are undone by "
      "`--no-flag`. What follows a lone `--` is never read as a flag.\n\n"
      "| Command | What it does |\n|---|---|\n";
  for (const Command& c : commands()) {
    std::string anchor(c.path);
    std::replace(anchor.begin(), anchor.end(), ' ', '-');
    out +=
        "| [`" + std::string(c.path) + "`](#" + anchor + ") | " + std::string(c.summary) + " |\n";
  }
  out += "\n## Exit status\n\n| Status | Meaning |\n|---|---|\n";
  for (const ExitStatus& status : exit_statuses()) {
    out += "| " + std::to_string(status.number) + " | " + std::string(status.words) + " |\n";
  }
  out += "\n## Flags of every command\n\n" + markdown_flags(shown_global_flags());
  for (const Command& c : commands()) {
    out += "\n## " + std::string(c.path) + "\n\n" + std::string(c.description) + "\n\n";
    out += "    " + usage_line(c) + "\n\nFor example:\n\n    kneepoint " + std::string(c.example) +
           "\n";
    if (!c.positionals.empty()) {
      out += "\n| Word | Meaning |\n|---|---|\n";
      for (const Positional& word : c.positionals) {
        out += "| `" + std::string(word.name) + "` | " + std::string(word.sentence) + " |\n";
      }
    }
    for (const FlagSection& section : flag_sections(c)) {
      out += "\n### " + std::string(name(section.group)) + "\n\n" + markdown_flags(section.flags);
    }
    if (!c.aliases.empty()) {
      out += "\nAlso:";
      for (std::size_t i = 0; i < c.aliases.size(); ++i) {
        out += (i == 0 ? " `" : ", `") + std::string(c.aliases[i]) + "`";
      }
      out += ".\n";
    }
  }
  out +=
      "\n## Accepted and ignored\n\n"
      "So that scripts written for gcloud run unchanged, these are read and do nothing:\n\n";
  std::vector<const Flag*> ignored;
  const auto add = [&ignored](std::span<const Flag> flags) {
    for (const Flag& flag : flags) {
      const bool seen = std::any_of(ignored.begin(), ignored.end(),
                                    [&flag](const Flag* f) { return f->name == flag.name; });
      if (flag.group == FlagGroup::Ignored && !seen) ignored.push_back(&flag);
    }
  };
  for (const Command& c : commands()) add(c.flags);
  add(global_flags());
  return out + markdown_flags(ignored);
}

}  // namespace kneepoint::cli
