#pragma once

#include <memory>

#include "emulator/delay.h"
#include "emulator/timing.h"

namespace kneepoint::emulator {

struct Script {
  DelaySpec ttft;  // from receiving a request to its first token
  DelaySpec gap;   // between tokens
  std::uint64_t seed = 0;
};

/// The same delays for the n-th request whatever the load: what a client has to measure is known
/// beforehand. Tokens are due at receipt + TTFT + gaps, so a late write does not move later ones.
std::unique_ptr<Timing> scripted_timing(const Script& script, Nanos now);

/// When the n-th request's tokens are due, since its receipt.
std::vector<Nanos> scripted_times(const Script& script, std::uint64_t number, std::int64_t tokens);

}  // namespace kneepoint::emulator
