#include "cli/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "cli/check_value.h"

namespace kneepoint::cli {
namespace {

tl::unexpected<Error> refuse(std::string reason) {
  return fail(ErrorCode::InvalidArgument, std::move(reason));
}

std::vector<std::string> strings(const std::vector<std::string_view>& views) {
  return {views.begin(), views.end()};
}

bool is_flag(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

std::string did_you_mean(std::string_view wanted, const std::vector<std::string>& names) {
  const std::vector<std::string> close = nearest(wanted, names, 3);
  if (close.empty()) return {};
  std::string words = "; did you mean ";
  for (std::size_t i = 0; i < close.size(); ++i) {
    if (i > 0) words += i + 1 == close.size() ? " or " : ", ";
    words += close[i];
  }
  return words + "?";
}

std::string help_hint(std::string_view words) {
  return "; see kneepoint " + std::string(words) + (words.empty() ? "" : " ") + "--help";
}

std::string help_hint_of(const Command& command) { return help_hint(command.path); }

// The words that may follow `group`, each once, in the order of the table.
std::vector<std::string> next_words(std::string_view group) {
  std::vector<std::string> words;
  for (const std::string_view path : all_paths()) {
    const std::string prefix = group.empty() ? "" : std::string(group) + " ";
    if (!path.starts_with(prefix)) continue;
    const std::string_view rest = path.substr(prefix.size());
    std::string word(rest.substr(0, rest.find(' ')));
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

std::string cli11_names(const Flag& flag) {
  std::string names(flag.name);
  if (!flag.alias.empty()) names += "," + std::string(flag.alias);
  if (flag.type == FlagType::Switch && !flag.name.starts_with("--no-")) {
    names += ",!--no-" + std::string(flag.name.substr(2));
  }
  return names;
}

}  // namespace

/// The steps of parse(), in order. CLI11 does the tokens of one command; what a command is, what
/// its values may be and every sentence come from the table.
class Parser {
 public:
  explicit Parser(std::span<const std::string> arguments)
      : rest_(arguments.begin(), arguments.end()) {}

  Result<Parsed> parse() {
    take_words_after_marker();
    if (Result<void> found = find_the_command(); !found) return fail(found.error());
    if (done_) return std::move(parsed_);
    if (Result<void> read = read_flags(); !read) return fail(read.error());
    if (done_) return std::move(parsed_);
    if (Result<void> checked = check_values(); !checked) return fail(checked.error());
    if (Result<void> placed = place_words(); !placed) return fail(placed.error());
    if (Result<void> complete = check_required(); !complete) return fail(complete.error());
    if (Result<void> sound = check_together(); !sound) return fail(sound.error());
    return std::move(parsed_);
  }

 private:
  // What follows a lone "--" is never a flag.
  void take_words_after_marker() {
    const auto marker = std::find(rest_.begin(), rest_.end(), "--");
    if (marker == rest_.end()) return;
    after_marker_.assign(marker + 1, rest_.end());
    rest_.erase(marker, rest_.end());
  }

  // Takes the words of the longest command path off the front; flags of every command may stand
  // between them, as in gcloud.
  Result<void> find_the_command() {
    std::string words;
    std::vector<std::string> kept;  // flags seen on the way
    std::size_t at = 0;
    const Command* found = nullptr;
    for (; at < rest_.size(); ++at) {
      const std::string& word = rest_[at];
      if (is_flag(word)) {
        kept.push_back(word);
        const Flag* global = find_global(word);
        const bool takes_next = global != nullptr && global->type != FlagType::Switch &&
                                word.find('=') == std::string::npos;
        if (takes_next && at + 1 < rest_.size()) kept.push_back(rest_[++at]);
        continue;
      }
      const std::string longer = words.empty() ? word : words + " " + word;
      const Command* exact = find_command(longer);
      if (exact == nullptr && (word.empty() || !is_group(longer))) break;
      words = longer;
      found = exact;
    }
    kept.insert(kept.end(), rest_.begin() + static_cast<std::ptrdiff_t>(at), rest_.end());
    if (found == nullptr) return no_command(words, kept, at);
    rest_ = std::move(kept);
    parsed_.command_ = found;
    parsed_.topic_ = words;
    return {};
  }

  static const Flag* find_global(std::string_view word) {
    const std::string_view name = word.substr(0, word.find('='));
    for (const Flag& flag : global_flags()) {
      if (flag.name == name || (!flag.alias.empty() && flag.alias == name)) return &flag;
    }
    return nullptr;
  }

  // No command: help for a group, the version, or a mistake with its nearest names.
  Result<void> no_command(const std::string& words, const std::vector<std::string>& kept,
                          std::size_t at) {
    const auto typed = [&kept](std::string_view flag) {
      return std::find(kept.begin(), kept.end(), flag) != kept.end();
    };
    const bool stray_word = at < rest_.size();
    if (!stray_word && (typed("--help") || typed("-h"))) return finish(Parsed::Want::Help, words);
    if (!stray_word && words.empty() && typed("--version")) {
      return finish(Parsed::Want::Version, "");
    }
    if (!stray_word && words.empty() && kept.empty()) return finish(Parsed::Want::Help, "");
    if (stray_word) {
      const std::string& word = rest_[at];
      const std::string wanted = words.empty() ? word : words + " " + word;
      std::string reason = "there is no command \"" + wanted + "\"";
      std::string hint = did_you_mean(word, next_words(words));
      if (hint.empty()) hint = did_you_mean(wanted, strings(all_paths()));
      return refuse(reason + hint + help_hint(words));
    }
    for (const std::string& word : kept) {
      if (is_flag(word) && find_global(word) == nullptr) {
        return refuse(words.empty() ? word + " goes after a command" + help_hint("")
                                    : "\"" + words + "\" is not a whole command, and " + word +
                                          " goes after one" + help_hint(words));
      }
    }
    if (words.empty()) return refuse("a command is missing" + help_hint(""));
    return refuse("\"" + words + "\" needs one more word: " + join(next_words(words), ", ") +
                  help_hint(words));
  }

  Result<void> finish(Parsed::Want want, const std::string& topic) {
    parsed_.want_ = want;
    parsed_.topic_ = topic;
    done_ = true;
    return {};
  }

  const Command& command() const { return *parsed_.command_; }

  // One CLI11 app for this one command, so that start-up pays for its flags alone.
  Result<void> read_flags() {
    for (const std::string& word : rest_) {
      if (word == "--help" || word == "-h") return finish(Parsed::Want::Help, parsed_.topic_);
    }
    if (command().id == CommandId::Version) return finish(Parsed::Want::Version, "");
    for (const std::string& word : rest_) {
      if (word.starts_with("--") && word.ends_with('=')) {
        if (const Flag* flag = find_flag(command(), word.substr(0, word.size() - 1))) {
          return refuse(std::string(flag->name) + " needs a value");
        }
      }
    }

    join_switch_values();
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::vector<std::pair<const Flag*, CLI::Option*>> options;
    const auto declare = [&](const Flag& flag) {
      CLI::Option* option = flag.type == FlagType::Switch ? app.add_flag(cli11_names(flag))
                                                          : app.add_option(cli11_names(flag));
      if (flag.type != FlagType::Switch) {
        const bool adds = flag.type == FlagType::List || flag.repeatable;
        option->expected(1)->multi_option_policy(adds ? CLI::MultiOptionPolicy::TakeAll
                                                      : CLI::MultiOptionPolicy::TakeLast);
      }
      options.emplace_back(&flag, option);
    };
    // CLI11 compares each name with all before it, so only what may be on the line is declared.
    for (const Flag& flag : command().flags) {
      if (may_be_given(flag)) declare(flag);
    }
    for (const Flag& flag : global_flags()) {
      if (may_be_given(flag)) declare(flag);
    }

    try {
      app.parse(std::vector<std::string>(rest_.rbegin(), rest_.rend()));
    } catch (const CLI::ArgumentMismatch&) {
      // Only the last word of a line can be a flag without its value.
      const Flag* flag = find_flag(command(), rest_.back());
      return refuse((flag != nullptr ? std::string(flag->name) : rest_.back()) + " needs a value" +
                    help_hint_of(command()));
    } catch (const CLI::Error& e) {
      return refuse(std::string(e.what()) + help_hint_of(command()));
    }

    for (const auto& [flag, option] : options) {
      if (option->count() == 0) continue;
      if (flag->name == "--version") return finish(Parsed::Want::Version, "");
      const std::vector<std::string>& results = option->results();
      const bool all = flag->type == FlagType::List || flag->repeatable;
      parsed_.given_.push_back({flag, all ? results : std::vector<std::string>{results.back()}});
    }
    for (std::string& word : app.remaining()) {
      if (is_flag(word)) return unknown_flag(word);
      words_.push_back(std::move(word));
    }
    return {};
  }

  bool may_be_given(const Flag& flag) const {
    return std::ranges::any_of(rest_, [&](std::string_view word) {
      if (!word.starts_with("--")) return is_flag(word);  // short ones may stand together
      if (word.starts_with("--no-") && flag.type == FlagType::Switch) return true;
      return word.starts_with(flag.name) || (!flag.alias.empty() && word.starts_with(flag.alias));
    });
  }

  // A switch with choices may stand alone, so only a word that is one of them is its value:
  // "--evidence measured".
  void join_switch_values() {
    for (std::size_t i = 0; i + 1 < rest_.size(); ++i) {
      const Flag* flag = find_flag(command(), rest_[i]);
      if (flag == nullptr || flag->type != FlagType::Switch) continue;
      const auto& choices = flag->choices;
      if (std::find(choices.begin(), choices.end(), rest_[i + 1]) == choices.end()) continue;
      rest_[i] += "=" + rest_[i + 1];
      rest_.erase(rest_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }

  Result<void> unknown_flag(const std::string& word) const {
    const std::string flag_name = word.substr(0, word.find('='));
    std::vector<std::string> names;
    for (const Flag& flag : command().flags) names.emplace_back(flag.name);
    for (const Flag& flag : global_flags()) {
      if (!flag.hidden) names.emplace_back(flag.name);
    }
    return refuse("\"" + std::string(command().path) + "\" has no flag " + flag_name +
                  did_you_mean(flag_name, names) + help_hint_of(command()));
  }

  Result<void> check_values() {
    for (Parsed::Given& given : parsed_.given_) {
      for (std::string& value : given.values) {
        if (given.flag->type == FlagType::Switch) {
          const auto& choices = given.flag->choices;
          if (std::find(choices.begin(), choices.end(), value) != choices.end()) continue;
          if (value != "true" && value != "false" && !choices.empty()) {
            return refuse(std::string(given.flag->name) + " is " + one_of(choices) +
                          ", or alone, not \"" + value + "\"");
          }
          if (value != "true" && value != "false") {
            return refuse(std::string(given.flag->name) + " takes no value; --no-" +
                          std::string(given.flag->name.substr(2)) + " switches it off");
          }
          continue;
        }
        if (Result<void> good = check_value(*given.flag, value); !good) return good;
      }
      if (given.flag->type == FlagType::List) {
        std::vector<std::string> items;
        for (const std::string& value : given.values) {
          for (const std::string_view item : split(value, ',')) {
            if (!item.empty()) items.emplace_back(item);
          }
        }
        given.values = std::move(items);
      }
    }
    return {};
  }

  Result<void> place_words() {
    words_.insert(words_.end(), after_marker_.begin(), after_marker_.end());
    if (command().id == CommandId::Help) {
      const std::string topic = join(words_, " ");
      if (find_command(topic) == nullptr && !is_group(topic)) {
        return refuse("there is no command \"" + topic + "\"" +
                      did_you_mean(topic, strings(all_paths())));
      }
      return finish(Parsed::Want::Help, topic);
    }
    const std::span<const Positional> wanted = command().positionals;
    const bool open_ended = !wanted.empty() && wanted.back().many;
    if (words_.size() > wanted.size() && !open_ended) {
      const std::string& extra = words_[wanted.size()];
      return refuse("\"" + std::string(command().path) + "\" does not take the word \"" + extra +
                    "\"" + help_hint_of(command()));
    }
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const Positional& place = wanted[std::min(i, wanted.size() - 1)];
      if (trim(words_[i]).empty()) {
        return refuse(std::string(place.name) + " is empty" + help_hint_of(command()));
      }
      if (!place.choices.empty() &&
          std::find(place.choices.begin(), place.choices.end(), words_[i]) == place.choices.end()) {
        return refuse(std::string(place.name) + " is " + one_of(place.choices) + ", not \"" +
                      words_[i] + "\"");
      }
    }
    parsed_.positionals_ = std::move(words_);
    return {};
  }

  Result<void> check_required() const {
    if (parsed_.want_ != Parsed::Want::Run) return {};
    std::vector<std::string> missing;
    for (const Flag& flag : command().flags) {
      if (flag.required && !parsed_.given(flag.name)) missing.emplace_back(flag.name);
    }
    for (std::size_t i = parsed_.positionals_.size(); i < command().positionals.size(); ++i) {
      if (command().positionals[i].required) missing.emplace_back(command().positionals[i].name);
    }
    if (missing.empty()) return {};
    return refuse("\"" + std::string(command().path) + "\" needs " + join(missing, " and ") +
                  ", for example: kneepoint " + std::string(command().example));
  }

  // Rules over more than one flag.
  Result<void> check_together() const {
    if (parsed_.want_ != Parsed::Want::Run) return {};
    if (parsed_.given("--target-input-length") != parsed_.given("--target-output-length")) {
      return refuse("--target-input-length and --target-output-length go together: give both");
    }
    if (command().id == CommandId::BenchmarksPlot && parsed_.positionals_.empty() &&
        !parsed_.given("--model")) {
      return refuse("\"benchmarks plot\" needs --model or a PROFILE, for example: kneepoint " +
                    std::string(command().example));
    }
    if (command().id == CommandId::Recommend && !parsed_.given("--model") &&
        !parsed_.given("--from-deployment")) {
      return refuse("\"recommend\" needs --model or --from-deployment, for example: kneepoint " +
                    std::string(command().example));
    }
    if (command().id == CommandId::Doctor && parsed_.positionals_.empty() &&
        !parsed_.given("--namespace")) {
      return refuse("\"doctor\" needs a FILE or --namespace, for example: kneepoint " +
                    std::string(command().example));
    }
    return {};
  }

  std::vector<std::string> rest_, after_marker_, words_;
  Parsed parsed_;
  bool done_ = false;
};

Result<Parsed> parse(std::span<const std::string> arguments) { return Parser(arguments).parse(); }

const Parsed::Given* Parsed::find(std::string_view flag) const {
  for (const Given& given : given_) {
    if (given.flag->name == flag) return &given;
  }
  return nullptr;
}

bool Parsed::on(std::string_view flag) const {
  const auto value = maybe_text(flag);
  return value && *value != "false";
}

std::optional<std::string> Parsed::maybe_text(std::string_view flag) const {
  if (const Given* given = find(flag)) return given->values.back();
  if (command_ == nullptr) return std::nullopt;
  const Flag* declared = find_flag(*command_, flag);
  if (declared == nullptr || declared->fallback.empty()) return std::nullopt;
  return std::string(declared->fallback);
}

std::string Parsed::text(std::string_view flag) const { return maybe_text(flag).value_or(""); }

std::optional<long long> Parsed::integer(std::string_view flag) const {
  const std::optional<std::string> value = maybe_text(flag);
  return value ? parse_integer(*value) : std::nullopt;
}

std::optional<double> Parsed::number(std::string_view flag) const {
  const std::optional<std::string> value = maybe_text(flag);
  return value ? parse_number(*value) : std::nullopt;
}

std::vector<std::string> Parsed::list(std::string_view flag) const {
  const Given* given = find(flag);
  return given != nullptr ? given->values : std::vector<std::string>{};
}

FormatChoice Parsed::format(std::string_view flag) const {
  const std::string value = text(flag);
  const std::size_t open = value.find('(');
  FormatChoice choice{value.substr(0, open), {}};
  if (open == std::string::npos) return choice;
  const std::string_view fields = std::string_view(value).substr(open + 1, value.size() - open - 2);
  for (const std::string_view field : split(fields, ',')) {
    if (!field.empty()) choice.fields.emplace_back(field);
  }
  return choice;
}

std::vector<std::string> Parsed::arguments() const {
  if (want_ == Want::Version) return {"version"};
  std::vector<std::string> words;
  for (const std::string_view word :
       split(want_ == Want::Help ? std::string_view(topic_) : command_->path, ' ')) {
    words.emplace_back(word);
  }
  if (want_ == Want::Help) {
    words.emplace_back("--help");
    return words;
  }
  for (const Given& given : given_) {
    const std::string flag_name(given.flag->name);
    if (given.flag->type == FlagType::Switch) {
      const std::string& value = given.values.back();
      words.push_back(value == "true" ? flag_name : flag_name + "=" + value);
    } else if (given.flag->type == FlagType::List) {
      words.push_back(flag_name + "=" + join(given.values, ","));
    } else {
      for (const std::string& value : given.values) words.push_back(flag_name + "=" + value);
    }
  }
  if (!positionals_.empty()) words.emplace_back("--");
  words.insert(words.end(), positionals_.begin(), positionals_.end());
  return words;
}

}  // namespace kneepoint::cli
