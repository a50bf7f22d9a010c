#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "scrape/exposition.h"

using namespace kneepoint::scrape;

// Every sample of the page lies in it, and its line alone gives the same sample again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view page(reinterpret_cast<const char*>(data), size);
  ExpositionReader reader(page);
  std::size_t samples = 0;
  while (const auto name = reader.next(true)) {
    const auto sample = reader.parse();
    if (!sample) continue;
    ++samples;
    if (sample->name != *name || sample->name.data() < page.data() ||
        sample->name.data() + sample->name.size() > page.data() + page.size()) {
      std::abort();
    }
    std::string again(sample->name);
    if (!sample->labels.empty()) again += "{" + std::string(sample->labels) + "}";
    again += " 1\n";
    ExpositionReader alone(again);
    if (alone.next(true) != sample->name) std::abort();
    const auto same = alone.parse();
    if (!same || same->labels != sample->labels || same->value != 1) std::abort();
    LabelReader labels(sample->labels);
    while (const auto label = labels.next()) {
      if (label->name.empty() || unescape(label->raw).size() > label->raw.size()) std::abort();
    }
    if (!labels.well_formed()) std::abort();
  }
  if (samples + reader.bad_lines() > size) std::abort();
  return 0;
}
