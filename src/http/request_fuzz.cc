#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/request_parser.h"

namespace {

constexpr kneepoint::http::RequestLimits kLimits{.head = 2048, .body = 4096};

std::string read_in_pieces(std::string_view text, std::size_t piece) {
  kneepoint::http::RequestParser parser(kLimits);
  std::string seen;
  while (!text.empty()) {
    const std::vector<char> bytes(
        text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(piece, text.size())));
    const auto used = parser.feed({bytes.data(), bytes.size()});
    if (!used) {
      if (parser.refusal_status() < 400) std::abort();
      return seen + "unwell";
    }
    if (*used > bytes.size() || parser.body().size() > kLimits.body) std::abort();
    text.remove_prefix(*used);
    if (!parser.done()) {
      if (*used != bytes.size()) std::abort();
      continue;
    }
    if (parser.body().capacity() < parser.body().size() + kneepoint::http::RequestParser::kPadding)
      std::abort();
    seen += parser.head().method + parser.head().target;
    for (const auto& [name, value] : parser.head().fields) seen.append(name).append(value);
    seen += parser.body();
    parser.start();
  }
  // A head that is no HTTP may be refused at another byte, or only once more of it is there.
  return seen + (parser.started() ? "unwell" : "done");
}

}  // namespace

// The first byte picks the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (read_in_pieces(text, text.size()) != read_in_pieces(text, 1U + data[0])) std::abort();
  return 0;
}
