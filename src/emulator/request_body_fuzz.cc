#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "emulator/request_body.h"

// The first byte picks the kind of body. Whether ids are kept may not change the count.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kneepoint::emulator;
  static BodyReader reader;
  if (size == 0) return 0;
  std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  body.reserve(body.size() + 64);
  if (data[0] % 4 == 0) {
    static_cast<void>(reader.tokenize(body));
  } else if (data[0] % 4 == 1) {
    static_cast<void>(reader.detokenize(body));
  } else {
    const auto read = [&](bool ids) {
      return data[0] % 4 == 2 ? reader.completion(body, ids) : reader.chat(body, ids);
    };
    const auto counted = read(false);
    const auto kept = read(true);
    if (counted.has_value() != kept.has_value()) std::abort();
    if (counted && (counted->prompt_tokens != kept->prompt_tokens ||
                    kept->prompt.size() != static_cast<std::size_t>(kept->prompt_tokens))) {
      std::abort();
    }
  }
  return 0;
}
