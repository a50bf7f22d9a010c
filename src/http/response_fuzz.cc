#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/response_parser.h"

namespace {

struct Gathered final : kneepoint::http::ResponseReader {
  void on_head(const kneepoint::http::ResponseHead& head) override {
    seen += std::to_string(head.status) + head.reason;
    for (const auto& [name, value] : head.fields) seen.append(name).append(value);
  }
  void on_body(std::string_view bytes) override { seen += bytes; }
  std::string seen;
};

std::string read_in_pieces(std::string_view text, std::size_t piece) {
  kneepoint::http::ResponseParser parser;
  Gathered gathered;
  while (!text.empty()) {
    const std::vector<char> bytes(
        text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(piece, text.size())));
    text.remove_prefix(bytes.size());
    const auto used = parser.feed({bytes.data(), bytes.size()}, gathered);
    if (!used) return gathered.seen + "failed";
    if (*used > bytes.size()) std::abort();
  }
  const bool done = parser.done();
  return gathered.seen + (done ? "done" : parser.closed() ? "closed" : "cut");
}

}  // namespace

// The first byte picks the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read_in_pieces(text, text.size());
  const std::string cut = read_in_pieces(text, 1U + data[0]);
  if (whole != cut) std::abort();
  return 0;
}
