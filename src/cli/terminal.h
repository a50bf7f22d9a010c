#pragma once

#include <map>
#include <string>
#include <string_view>

/// What the program may know of its surroundings. Only main asks the system; everybody else is
/// handed this, so that a test can say what the world is like.
namespace kneepoint::cli {

struct Environment {
  std::map<std::string, std::string, std::less<>> variables{};
  bool stdin_is_terminal = false;
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;
  int terminal_columns = 0;  // 0: unknown

  std::string_view variable(std::string_view name) const;
};

/// Of this process. Reads every variable, asks the terminal for its width.
Environment system_environment();

/// COLUMNS when it is a sensible number, else what the terminal says, else 80; from 40 to 400.
int terminal_width(const Environment& environment);

/// On a terminal that is not "dumb", unless NO_COLOR holds anything or --no-color was typed.
bool use_color(const Environment& environment, bool no_color_flag);

/// Whether the locale can show characters beyond ASCII: LC_ALL, LC_CTYPE or LANG names UTF-8.
/// Output that is no terminal is taken to be UTF-8.
bool use_unicode(const Environment& environment);

}  // namespace kneepoint::cli
