// A run spec and everything its texts hold, from bytes anybody may send: refused, or read back the
// same and played. Files it names are not opened; a trace is read from the same bytes instead.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "workload/generator.h"
#include "workload/spec.h"
#include "workload/trace.h"

namespace {

using namespace kneepoint::workload;

bool opens_a_file(const RunSpec& spec) {
  return (spec.arrivals && spec.arrivals->pattern == ArrivalPattern::Trace) ||
         !spec.lengths.pairs.empty() || spec.lengths.input.kind == LengthKind::File ||
         spec.lengths.output.kind == LengthKind::File;
}

void play(const RunSpec& spec) {
  // A pass over ten million prompts is allowed, but slow under a fuzzer.
  if (spec.prefix && spec.prefix->groups * spec.prefix->prompts_per_group.value_or(1) > 1000)
    return;
  auto generator = Generator::open(spec);
  if (!generator) std::abort();
  for (int i = 0; i < 50; ++i) {
    const auto request = generator->next();
    if (!request) return;
    if (request->input.count() < 1 || request->output.count() < 1 || request->at.count() < 0) {
      std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto spec = parse_run_spec(text)) {
    const auto again = parse_run_spec(kneepoint::json::to_line(to_json(*spec)));
    if (!again || *again != *spec) std::abort();
    if (!opens_a_file(*spec)) play(*spec);
  }
  if (const auto length = parse_length(text)) {
    if (parse_length(to_text(*length)) != *length) std::abort();
  }
  if (const auto think = parse_think_time(text)) {
    if (parse_think_time(to_text(*think)) != *think) std::abort();
  }
  (void)parse_trace(text, "fuzz");
  return 0;
}
