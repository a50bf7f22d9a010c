// Any bytes as a log: no crash, every byte read, and no control character in what is shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "doctor/log_scan.h"

namespace {
using namespace kneepoint::doctor;

const SignatureSet& set() {
  static const auto* all = new SignatureSet(std::move(
      SignatureSet::compile(
          {{.id = "a",
            .where = "log",
            .pattern = R"re(secret "([^"]+)" not found)re",
            .cause = "{1}"},
           {.id = "b", .where = "log", .pattern = "OOMKilled|exit code 137", .instead_of = {"c"}},
           {.id = "c", .where = "log", .pattern = R"(Killed.*(\d+) and more)"}})
          .value()));
  return *all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto one = scan_log(set(), read_from(text), 1);
  if (!one || one->bytes != size) std::abort();
  for (const Finding& each : findings(set(), *one, "-")) {
    for (const char c : each.evidence) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
    }
  }
  return 0;
}
