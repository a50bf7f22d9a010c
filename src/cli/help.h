#pragma once

#include <string>
#include <string_view>

namespace kneepoint::cli {

/// Help on a command or a group, by the words that were typed ("" is the program), in lines of at
/// most `width` columns.
std::string help_text(std::string_view topic, int width);

/// docs/cli.md: every command with its flags.
std::string cli_reference_markdown();

}  // namespace kneepoint::cli
