#include "http/sse.h"

#include <benchmark/benchmark.h>

#include <string>

#include "http/stream_chunk.h"

namespace kneepoint::http {
namespace {

constexpr std::string_view kEvent =
    R"(data: {"id":"cmpl-0123456789abcdef","object":"text_completion","created":1700000000,)"
    R"("model":"a-model","choices":[{"index":0,"text":" word","logprobs":null,)"
    R"("finish_reason":null,"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]})"
    "\n\n";

/// What a read of 16 events, or of one, costs; items are events.
void BM_Sse(benchmark::State& state, bool decode) {
  std::string bytes;
  for (std::int64_t i = 0; i < state.range(0); ++i) bytes += kEvent;
  SseDecoder events;
  StreamChunkDecoder chunks;
  std::int64_t seen = 0;
  for (auto _ : state) {
    events.feed(bytes);
    for (auto event = events.next(); event && *event; event = events.next()) {
      if (decode) {
        const auto chunk = chunks.decode((*event)->data);
        seen += chunk && (*chunk)->has_output() ? 1 : 0;
      } else {
        seen += (*event)->data.empty() ? 0 : 1;
      }
    }
  }
  if (seen != static_cast<std::int64_t>(state.iterations()) * state.range(0)) {
    state.SkipWithError("an event was lost");
  }
  state.SetItemsProcessed(seen);
}
BENCHMARK_CAPTURE(BM_Sse, split_only, false)->Arg(1)->Arg(16);
BENCHMARK_CAPTURE(BM_Sse, with_json, true)->Arg(1)->Arg(16);

/// The worst cut: in the middle of each event.
void BM_SseCutInTheMiddle(benchmark::State& state) {
  const std::string bytes = std::string(kEvent.substr(100)) + std::string(kEvent.substr(0, 100));
  SseDecoder events;
  events.feed(kEvent.substr(0, 100));
  benchmark::DoNotOptimize(events.next());
  std::int64_t seen = 0;
  for (auto _ : state) {
    events.feed(bytes);
    for (auto event = events.next(); event && *event; event = events.next()) ++seen;
  }
  state.SetItemsProcessed(seen);
}
BENCHMARK(BM_SseCutInTheMiddle);

}  // namespace
}  // namespace kneepoint::http
