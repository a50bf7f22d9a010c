#include "cli/completion.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/text.h"
#include "cli/flag_text.h"

// The bash script carries three lookups made from the table: which words follow a group, which
// flags a command has, and which values a flag takes. zsh runs the same script through
// bashcompinit, which ships with it: one script to keep right. fish reads one `complete` line per
// fact.
namespace kneepoint::cli {
namespace {

std::vector<const Flag*> visible_flags(const Command& command) {
  std::vector<const Flag*> flags;
  for (const FlagSection& section : flag_sections(command)) {
    flags.insert(flags.end(), section.flags.begin(), section.flags.end());
  }
  for (const Flag* flag : shown_global_flags()) flags.push_back(flag);
  return flags;
}

std::string joined(std::span<const std::string_view> words) {
  return join({words.begin(), words.end()}, " ");
}

// Single quotes for a shell: the table's words are ours, but a sentence may hold an apostrophe.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::vector<std::string> groups() {
  std::vector<std::string> found{""};
  for (const std::string_view path : all_paths()) {
    for (std::size_t at = path.find(' '); at != std::string_view::npos;
         at = path.find(' ', at + 1)) {
      const std::string group(path.substr(0, at));
      if (std::find(found.begin(), found.end(), group) == found.end()) found.push_back(group);
    }
  }
  return found;
}

std::string last_word(const std::string& words) { return words.substr(words.rfind(' ') + 1); }

std::string words_after(const std::string& group) {
  std::vector<std::string> words;
  for (const Entry& entry : entries_below(group)) words.push_back(last_word(entry.words));
  return join(words, " ");
}

// `case` arms over command paths, with their aliases beside them.
std::string paths_pattern(const Command& command) {
  std::string pattern = quoted(command.path);
  for (const std::string_view alias : command.aliases) pattern += "|" + quoted(alias);
  return pattern;
}

std::string bash_script() {
  std::string next, flags, words;
  for (const std::string& group : groups()) {
    next += "    " + quoted(group) + ") echo " + quoted(words_after(group)) + " ;;\n";
  }
  std::set<std::string> path_flags, value_flags;
  std::string choices;
  const auto note = [&](const Flag& flag) {
    const std::string flag_name(flag.name);
    if (flag.type == FlagType::Switch || !value_flags.insert(flag_name).second) return;
    if (flag.type == FlagType::Path) path_flags.insert(flag_name);
    if (!flag.choices.empty()) {
      choices += "    " + flag_name + ") echo " + quoted(joined(flag.choices)) + " ;;\n";
    }
  };
  for (const Command& c : commands()) {
    std::vector<std::string> names;
    for (const Flag* flag : visible_flags(c)) {
      names.push_back(std::string(flag->name) + (flag->type == FlagType::Switch ? "" : "="));
    }
    flags += "    " + paths_pattern(c) + ") echo " + quoted(join(names, " ")) + " ;;\n";
    for (const Flag& flag : c.flags) note(flag);
    for (const Positional& word : c.positionals) {
      const std::string values = word.is_path ? "@files" : joined(word.choices);
      if (!values.empty())
        words += "    " + paths_pattern(c) + ") echo " + quoted(values) + " ;;\n";
    }
  }
  for (const Flag& flag : global_flags()) note(flag);
  const std::vector<std::string> values(value_flags.begin(), value_flags.end());
  const std::vector<std::string> paths(path_flags.begin(), path_flags.end());

  return "# Completion for kneepoint, made from its command table.\n"
         "_kneepoint_next() {\n  case \"$1\" in\n" +
         next +
         "  esac\n}\n"
         "_kneepoint_flags() {\n  case \"$1\" in\n" +
         flags +
         "    *) echo '--help --version' ;;\n  esac\n}\n"
         "_kneepoint_choices() {\n  case \"$1\" in\n" +
         choices +
         "  esac\n}\n"
         "_kneepoint_words() {\n  case \"$1\" in\n" +
         words +
         "  esac\n}\n"
         "_kneepoint_takes_value() {\n  case \"$1\" in\n    " +
         join(values, "|") +
         ") return 0 ;;\n  esac\n  return 1\n}\n"
         "_kneepoint_takes_file() {\n  case \"$1\" in\n    " +
         join(paths, "|") + ") return 0 ;;\n  esac\n  return 1\n}\n" + R"BASH(
_kneepoint_value() {
  # $1 the flag, $2 what is typed of its value
  if _kneepoint_takes_file "$1"; then
    COMPREPLY=($(compgen -f -- "$2"))
    compopt -o filenames 2>/dev/null
  else
    COMPREPLY=($(compgen -W "$(_kneepoint_choices "$1")" -- "$2"))
  fi
}
_kneepoint() {
  local cur prev place='' longer word i
  COMPREPLY=()
  cur="${COMP_WORDS[COMP_CWORD]}"
  prev=''
  [ "$COMP_CWORD" -gt 0 ] && prev="${COMP_WORDS[COMP_CWORD-1]}"
  # Bash breaks --flag=value at the equals sign into three words.
  if [ "$cur" = '=' ]; then
    _kneepoint_value "$prev" ''
    return
  fi
  if [ "$prev" = '=' ] && [ "$COMP_CWORD" -ge 2 ]; then
    _kneepoint_value "${COMP_WORDS[COMP_CWORD-2]}" "$cur"
    return
  fi
  if _kneepoint_takes_value "$prev"; then
    _kneepoint_value "$prev" "$cur"
    return
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    case "$word" in
      -*) if _kneepoint_takes_value "$word"; then
            ((i++))
            [ "${COMP_WORDS[i]}" = '=' ] && ((i++))
          fi
          continue ;;
    esac
    longer="${place:+$place }$word"
    case " $(_kneepoint_next "$place") " in
      *" $word "*) place="$longer" ;;
      *) break ;;
    esac
  done
  case "$cur" in
    --*=*)
      _kneepoint_value "${cur%%=*}" "${cur#*=}"
      COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
      ;;
    -*)
      COMPREPLY=($(compgen -W "$(_kneepoint_flags "$place")" -- "$cur"))
      case "${COMPREPLY[0]}" in *=) compopt -o nospace 2>/dev/null ;; esac
      ;;
    *)
      word="$(_kneepoint_next "$place")"
      [ -z "$word" ] && word="$(_kneepoint_words "$place")"
      if [ "$word" = '@files' ]; then
        COMPREPLY=($(compgen -f -- "$cur"))
        compopt -o filenames 2>/dev/null
      else
        COMPREPLY=($(compgen -W "$word" -- "$cur"))
      fi
      ;;
  esac
}
complete -F _kneepoint kneepoint
)BASH";
}

std::string zsh_script() {
  return "# In ~/.zshrc: source <(kneepoint completion zsh)\n"
         "type compdef >/dev/null 2>&1 || { autoload -Uz compinit && compinit; }\n"
         "autoload -Uz bashcompinit && bashcompinit\n" +
         bash_script();
}

std::string fish_script() {
  std::string out =
      "# Completion for kneepoint, made from its command table.\n"
      "function __kneepoint_path\n"
      "    set -l words\n"
      "    for word in (commandline -opc)[2..-1]\n"
      "        string match -q -- '-*' $word; or set -a words $word\n"
      "    end\n"
      "    string join ' ' -- $words\n"
      "end\n"
      "function __kneepoint_at\n"
      "    test (__kneepoint_path) = \"$argv\"\n"
      "end\n"
      "function __kneepoint_in\n"
      "    string match -q -- \"$argv\" (__kneepoint_path)\n"
      "    or string match -q -- \"$argv *\" (__kneepoint_path)\n"
      "end\n"
      "complete -c kneepoint -f\n";
  for (const std::string& group : groups()) {
    for (const Entry& entry : entries_below(group)) {
      out += "complete -c kneepoint -n " + quoted("__kneepoint_at " + group) + " -a " +
             quoted(last_word(entry.words)) + " -d " + quoted(entry.summary) + "\n";
    }
  }
  const auto flag_line = [&out](const std::string& condition, const Flag& flag) {
    out += "complete -c kneepoint" + condition + " -l " + std::string(flag.name.substr(2));
    if (flag.type != FlagType::Switch) out += flag.type == FlagType::Path ? " -r -F" : " -x";
    if (!flag.choices.empty()) out += " -a " + quoted(joined(flag.choices));
    out += " -d " + quoted(flag.sentence) + "\n";
  };
  for (const Flag* flag : shown_global_flags()) flag_line("", *flag);
  for (const Command& c : commands()) {
    std::vector<std::string_view> paths{c.path};
    paths.insert(paths.end(), c.aliases.begin(), c.aliases.end());
    for (const std::string_view path : paths) {
      const std::string condition = " -n " + quoted("__kneepoint_in " + std::string(path));
      for (const FlagSection& section : flag_sections(c)) {
        for (const Flag* flag : section.flags) flag_line(condition, *flag);
      }
      for (const Positional& word : c.positionals) {
        if (word.is_path) out += "complete -c kneepoint" + condition + " -F\n";
        if (!word.choices.empty()) {
          out += "complete -c kneepoint" + condition + " -a " + quoted(joined(word.choices)) + "\n";
        }
      }
    }
  }
  return out;
}

}  // namespace

Result<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return fail(ErrorCode::InvalidArgument,
              "no completion for the shell \"" + std::string(shell) + "\": bash, zsh or fish");
}

}  // namespace kneepoint::cli
