#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loadgen/answer.h"

namespace {

using namespace kneepoint;

struct Told {
  metrics::Timeline timeline;
  loadgen::Verdict verdict;
};

Told tell(loadgen::Answer& answer, http::StreamChunkDecoder& chunks, int status, bool event_stream,
          http::Outcome outcome, std::string_view bytes, std::size_t piece) {
  answer.start(Nanos(1000));
  answer.on_head(status, event_stream);
  std::int64_t time = 2000;
  std::size_t events = 0;
  while (!bytes.empty()) {
    events += answer.on_body(bytes.substr(0, piece), Nanos(time), chunks);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  http::Ending ending;
  ending.outcome = outcome;
  ending.status = status;
  if (outcome != http::Outcome::Complete) ending.reason = "as the client says";
  loadgen::Verdict verdict = answer.on_end(ending, Nanos(time), chunks);
  const metrics::Timeline& timeline = answer.timeline;
  if (timeline.outcome != verdict.outcome) std::abort();
  if ((verdict.outcome == metrics::Outcome::Completed) != verdict.what.empty()) std::abort();
  if (status >= 300 && verdict.what.empty()) std::abort();
  if (event_stream && status < 300 && events != timeline.events.size()) std::abort();
  if (verdict.example.size() > 310) std::abort();
  for (const char c : verdict.example) {
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  }
  return {timeline, std::move(verdict)};
}

}  // namespace

// Bytes 0 to 2: status, how the answer ended and whether it is a stream, size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  constexpr int kStatus[] = {200, 200, 200, 206, 302, 400, 401, 429, 500, 503};
  const int status = kStatus[data[0] % std::size(kStatus)];
  const auto outcome = static_cast<http::Outcome>((data[1] >> 1U) % 6U);
  const bool event_stream = (data[1] & 1U) == 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  static http::StreamChunkDecoder chunks;
  loadgen::Answer answer;
  const Told whole = tell(answer, chunks, status, event_stream, outcome, bytes, size);
  // The same object again, cut elsewhere, says the same.
  const Told cut = tell(answer, chunks, status, event_stream, outcome, bytes, 1U + data[2]);
  if (whole.verdict.what != cut.verdict.what || whole.verdict.example != cut.verdict.example ||
      whole.timeline.events.size() != cut.timeline.events.size() ||
      whole.timeline.usage.has_value() != cut.timeline.usage.has_value()) {
    std::abort();
  }
  return 0;
}
