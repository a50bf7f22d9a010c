#pragma once

#include <cstdint>

namespace kneepoint::emulator {

/// What an engine says of itself: gauges now, counters since the start. The service counts tokens
/// and latencies itself, as they are served.
struct EngineState {
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  double kv_use = 0;  // share of the KV cache in use, 0..1
  std::int64_t block_size = 16;
  std::int64_t blocks = 0;
  std::int64_t sequence_limit = 0;  // most that run at once; 0 for no limit
  std::uint64_t preemptions = 0;
  std::uint64_t prefix_queries = 0;  // prompt tokens looked up in the prefix cache
  std::uint64_t prefix_hits = 0;     // of these found
};

}  // namespace kneepoint::emulator
