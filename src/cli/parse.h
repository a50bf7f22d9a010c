#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/command_table.h"

/// A command line as values. Checked here: that the command and every flag exist, that required
/// ones are there, that numbers are numbers in range, that choices are choices. Nothing is printed,
/// no environment is read, nobody exits.
namespace kneepoint::cli {

/// --format: a name and, if columns were picked, their fields.
struct FormatChoice {
  std::string name;
  std::vector<std::string> fields;
};

class Parsed {
 public:
  enum class Want { Run, Help, Version };

  Want want() const { return want_; }
  /// Run: what to run.
  const Command& command() const { return *command_; }
  /// Help: on what, as typed: "", "profiles", "container ai profiles list".
  const std::string& topic() const { return topic_; }

  /// Whether the flag was typed. The getters below give its value, else its default, else nothing;
  /// of a flag the command does not have, nothing.
  bool given(std::string_view flag) const { return find(flag) != nullptr; }
  bool on(std::string_view flag) const;  // a Switch, with or without a choice
  std::string text(std::string_view flag) const;
  std::optional<std::string> maybe_text(std::string_view flag) const;
  std::optional<long long> integer(std::string_view flag) const;
  std::optional<double> number(std::string_view flag) const;
  std::vector<std::string> list(std::string_view flag) const;  // List, and repeatable flags
  FormatChoice format(std::string_view flag = "--format") const;

  const std::vector<std::string>& positionals() const { return positionals_; }

  /// A command line that parses to the same values.
  std::vector<std::string> arguments() const;

 private:
  friend class Parser;
  struct Given {
    const Flag* flag;
    std::vector<std::string> values;  // of a Switch "true", "false" or one of its choices
  };
  const Given* find(std::string_view flag) const;

  Want want_ = Want::Run;
  const Command* command_ = nullptr;
  std::string topic_;
  std::vector<Given> given_;
  std::vector<std::string> positionals_;
};

/// `arguments` without the program's name. Every failure is InvalidArgument, with a sentence that
/// says what to type instead.
Result<Parsed> parse(std::span<const std::string> arguments);

}  // namespace kneepoint::cli
