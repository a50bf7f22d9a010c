#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/stream_chunk.h"

// Every view must lie in memory that is still there; the sanitizers look when they are read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static kneepoint::http::StreamChunkDecoder decoder;
  const auto chunk = decoder.decode({reinterpret_cast<const char*>(data), size});
  if (!chunk) return 0;
  std::string all;
  for (const auto& choice : (*chunk)->choices) {
    all.append(choice.text).append(choice.reasoning).append(choice.tool_text);
    all.append(choice.finish_reason);
  }
  if ((*chunk)->error) all.append((*chunk)->error->message).append((*chunk)->error->type);
  volatile std::size_t kept = all.size();
  static_cast<void>(kept);
  return 0;
}
