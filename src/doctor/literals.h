#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kneepoint::doctor {

/// Finds which of many short texts occur, letter case ignored (ASCII): the automaton of Aho and
/// Corasick ("Efficient string matching", 1975) as one table of transitions, so a byte costs one
/// dependent load whatever the number of texts. Read-only once made; shared by threads.
class Literals {
 public:
  /// `texts` in lower case, none empty, none with a line break.
  explicit Literals(const std::vector<std::string>& texts);

  /// Where lines lie in which some text occurs. A line longer than kLongestLine is taken as
  /// the part around the occurrence.
  struct Span {
    std::size_t begin, end;  // without the line break
  };
  static constexpr std::size_t kLongestLine = std::size_t{1} << 16;

  /// Appends the lines of `block` that hold any text, in order.
  void find_lines(std::string_view block, std::vector<Span>& out) const;

  /// The numbers of the texts that occur in `line`, each once.
  void find(std::string_view line, std::vector<int>& out) const;

 private:
  std::uint32_t step(std::uint32_t state, char c) const {
    return next_[state + class_[static_cast<unsigned char>(c)]];
  }

  std::uint8_t class_[256] = {};        // of a byte; 0: in no text
  std::uint32_t stride_ = 0;            // classes
  std::uint32_t first_found_ = 0;       // from this state on a text ends here
  std::vector<std::uint32_t> next_;     // state + class -> state; a state is its row's offset
  std::vector<std::vector<int>> ends_;  // of states from first_found_ on, by row
};

/// Line breaks in a text.
std::size_t count_lines(std::string_view text);

}  // namespace kneepoint::doctor
