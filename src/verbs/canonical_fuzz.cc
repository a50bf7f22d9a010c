// Bytes as a body and as a query: what comes out is canonical, so the same again, and whatever the
// readers make of it, they say so instead of falling over.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "verbs/canonical.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kneepoint;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::pair<std::string, std::string>> query;
  for (std::size_t at = 0; at < text.size() && query.size() < 120;) {
    const auto end = std::min(text.find('&', at), text.size());
    const std::string_view one = text.substr(at, end - at);
    const auto equals = std::min(one.find('='), one.size());
    query.emplace_back(one.substr(0, equals), equals < one.size() ? one.substr(equals + 1) : "");
    at = end + 1;
  }
  json::Object ask;
  if (auto body = json::parse(text)) {
    auto out = verbs::canonical(std::move(*body));
    if (out) {
      const auto again = verbs::canonical(json::Value(*out));
      if (!again || *again != *out) std::abort();
      ask = std::move(*out);
    }
  }
  const auto both = verbs::with_parameters(query, ask);
  const json::Object& read_from = both ? *both : ask;
  verbs::Reader read(read_from);
  read.text("model");
  read.integer("pageSize", 0, 1000);
  read.number("ratio", 0, 10);
  read.texts("id");
  verbs::Reader inner = read.message("performanceRequirements");
  inner.integer("targetNtpotMilliseconds", 1, 100);
  for (verbs::Reader& one : read.messages("files")) one.text("name");
  (void)read.end();
  return 0;
}
