// Every importer, from bytes anybody may send. Two ways in: as a file, told apart by content; and
// with the first byte as the number of an importer, which then reads the rest whether it knows it
// or not. Read to the end without a crash, and what joins into a profile is one the store takes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "importers/join.h"
#include "profile/json.h"

namespace {

using namespace kneepoint::importers;

void check(std::vector<Measured> points) {
  Given given;
  given.model = "owner/model";
  given.model_server = "vllm";
  given.model_server_version = "1";
  given.accelerator = "a";
  const auto joined = join(std::move(points), given);
  if (!joined) return;
  for (const auto& profile : joined->profiles) {
    const auto again = kneepoint::profile::from_json(kneepoint::profile::to_json(profile));
    if (!again || again->id != profile.id) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto document = parse_document("fuzz", text)) {
    if (auto points = read_report(*document)) check(std::move(*points));
  }
  if (text.empty()) return 0;
  const auto all = importers();
  const auto document = parse_document("fuzz", text.substr(1));
  if (!document || document->values.empty()) return 0;
  const Importer& one = all[static_cast<unsigned char>(text.front()) % all.size()];
  Faults faults;
  std::vector<Measured> points;
  one.read(*document, faults, points);
  if (!faults.any()) check(std::move(points));
  return 0;
}
