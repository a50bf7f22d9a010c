#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/sse.h"

namespace {

/// One string for all that was seen, so that two readings compare.
std::string read_in_pieces(std::string_view text, std::size_t piece) {
  kneepoint::http::SseDecoder decoder({.line = 200, .event = 300});
  std::string seen;
  while (!text.empty()) {
    const std::vector<char> bytes(
        text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(piece, text.size())));
    text.remove_prefix(bytes.size());
    decoder.feed({bytes.data(), bytes.size()});
    while (true) {
      const auto event = decoder.next();
      if (!event) return seen + "failed";
      if (!*event) break;
      seen.append((*event)->type).append(1, '\0').append((*event)->data).append(1, '\0');
    }
  }
  return seen + (decoder.inside_event() ? "inside" : "between");
}

}  // namespace

// The first byte picks the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read_in_pieces(text, text.size()) != read_in_pieces(text, 1U + data[0])) std::abort();
  if (read_in_pieces(text, text.size()) != read_in_pieces(text, 1)) std::abort();
  return 0;
}
