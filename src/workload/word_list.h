#pragma once

#include <span>
#include <string_view>

namespace kneepoint::workload {

/// Common English words in lower case, each once, of 3 to 8 letters: what most tokenizers make one
/// token of when a blank stands before it. calibrate() finds out which ones a server does.
std::span<const std::string_view> word_list();

inline constexpr std::size_t kLongestWord = 8;

}  // namespace kneepoint::workload
