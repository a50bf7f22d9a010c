#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace kneepoint::cli {
namespace {

TEST(TerminalWidth, IsTheVariableThenTheTerminalThenEighty) {
  EXPECT_EQ(terminal_width({}), 80);
  EXPECT_EQ(terminal_width({.terminal_columns = 120}), 120);
  EXPECT_EQ(terminal_width({.variables = {{"COLUMNS", "60"}}, .terminal_columns = 120}), 60);
  EXPECT_EQ(terminal_width({.variables = {{"COLUMNS", "x"}}, .terminal_columns = 120}), 120);
  EXPECT_EQ(terminal_width({.variables = {{"COLUMNS", "5"}}}), 40);
  EXPECT_EQ(terminal_width({.terminal_columns = 9999}), 400);
}

TEST(Color, IsForTerminalsThatNobodyAskedToStayPlain) {
  const Environment terminal{.variables = {{"TERM", "xterm"}}, .stdout_is_terminal = true};
  EXPECT_TRUE(use_color(terminal, false));
  EXPECT_FALSE(use_color(terminal, true));
  EXPECT_FALSE(use_color({.variables = {{"TERM", "xterm"}}}, false));
  EXPECT_FALSE(use_color({.variables = {{"TERM", "dumb"}}, .stdout_is_terminal = true}, false));
  EXPECT_FALSE(use_color({.variables = {{"NO_COLOR", "1"}}, .stdout_is_terminal = true}, false));
  EXPECT_TRUE(use_color({.variables = {{"NO_COLOR", ""}}, .stdout_is_terminal = true}, false));
}

TEST(Unicode, FollowsTheLocaleOnATerminal) {
  EXPECT_TRUE(use_unicode({}));
  EXPECT_FALSE(use_unicode({.stdout_is_terminal = true}));
  EXPECT_TRUE(use_unicode({.variables = {{"LANG", "en_US.UTF-8"}}, .stdout_is_terminal = true}));
  EXPECT_FALSE(use_unicode(
      {.variables = {{"LC_ALL", "C"}, {"LANG", "en_US.UTF-8"}}, .stdout_is_terminal = true}));
}

}  // namespace
}  // namespace kneepoint::cli
