#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/session.h"
#include "base/result.h"
#include "cli/parse.h"
#include "cli/terminal.h"

namespace kneepoint::cli {

/// One run of the program in memory: what came in, and where output goes. Handlers print here and
/// nowhere else; tests run whole commands without a process.
class Run {
 public:
  Run(Environment environment, std::filesystem::path program);

  const Environment& environment() const { return environment_; }
  const Parsed& args() const { return *args_; }

  void out(std::string_view text);       // standard output
  void note(std::string_view sentence);  // standard error, one line; --verbosity=none hides it
  std::function<void(std::string_view)> write_out, write_err;
  /// Asks on standard error and waits for an answer; false unless the answer begins with y. Never
  /// asks where standard input is no terminal.
  bool confirm(std::string_view question);
  std::function<std::string()> read_line;  // from standard input
  /// The exit status of a command that did its work and has a verdict; 0 unless said.
  void end_with(int status) { status_ = status; }

  /// Opened on the first call, from flags and environment.
  Result<app::Session*> session();
  Result<app::Settings> settings() const;
  const std::filesystem::path& program() const { return program_; }

  int width() const { return terminal_width(environment_); }
  bool color() const { return use_color(environment_, args_->on("--no-color")); }
  bool unicode() const { return use_unicode(environment_); }

  /// Parses and runs; prints the error there is. Returns the exit status.
  int main(std::span<const std::string> arguments);

 private:
  Environment environment_;
  std::filesystem::path program_;  // where the executable lies; data and drivers are found from it
  std::unique_ptr<Parsed> args_;
  std::unique_ptr<app::Session> session_;
  int status_ = 0;
};

/// Today, or the day of SOURCE_DATE_EPOCH when that is set, so output can be reproduced.
Result<Date> today(const Environment& environment);

}  // namespace kneepoint::cli
