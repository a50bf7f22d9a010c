#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/parse.h"

// Any bytes, split at NUL into words. Parsing must end in values or in a sentence, and what was
// accepted must parse again to the same values.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using kneepoint::cli::Parsed;
  std::vector<std::string> words(1);
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] == 0) {
      words.emplace_back();
    } else {
      words.back() += static_cast<char>(data[i]);
    }
  }
  const kneepoint::Result<Parsed> first = kneepoint::cli::parse(words);
  if (!first) {
    if (first.error().message.empty()) std::abort();
    return 0;
  }
  const kneepoint::Result<Parsed> second = kneepoint::cli::parse(first->arguments());
  if (!second || second->want() != first->want() || second->arguments() != first->arguments() ||
      second->positionals() != first->positionals()) {
    std::abort();
  }
  return 0;
}
