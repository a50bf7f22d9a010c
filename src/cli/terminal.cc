#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"

extern char** environ;

namespace kneepoint::cli {

std::string_view Environment::variable(std::string_view name) const {
  const auto it = variables.find(name);
  return it == variables.end() ? std::string_view() : std::string_view(it->second);
}

Environment system_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  environment.stdin_is_terminal = isatty(STDIN_FILENO) == 1;
  environment.stdout_is_terminal = isatty(STDOUT_FILENO) == 1;
  environment.stderr_is_terminal = isatty(STDERR_FILENO) == 1;
  winsize size{};
  if (environment.stdout_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
    environment.terminal_columns = size.ws_col;
  }
  return environment;
}

int terminal_width(const Environment& environment) {
  const auto columns = parse_integer(environment.variable("COLUMNS"));
  if (columns && *columns > 0) return static_cast<int>(std::clamp(*columns, 40LL, 400LL));
  if (environment.terminal_columns > 0) return std::clamp(environment.terminal_columns, 40, 400);
  return 80;
}

bool use_color(const Environment& environment, bool no_color_flag) {
  return environment.stdout_is_terminal && !no_color_flag &&
         environment.variable("NO_COLOR").empty() && environment.variable("TERM") != "dumb";
}

bool use_unicode(const Environment& environment) {
  if (!environment.stdout_is_terminal) return true;
  for (const std::string_view name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string value = lower(environment.variable(name));
    if (value.empty()) continue;
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace kneepoint::cli
