#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace kneepoint::cli {

/// The completion script of "bash", "zsh" or "fish": words of commands, flags, choices, and files
/// where a flag or a word takes one.
Result<std::string> completion_script(std::string_view shell);

}  // namespace kneepoint::cli
