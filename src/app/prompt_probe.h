#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/bench_target.h"
#include "base/result.h"
#include "loadgen/target.h"
#include "workload/prompt_maker.h"

namespace kneepoint::app {

/// What a run's prompts are made of, so that they have as many server tokens as wanted.
struct PromptChoice {
  std::unique_ptr<workload::PromptMaker> maker;
  std::string told;                // for the report: "token ids 1000 to 9191", "words ..."
  std::vector<std::string> notes;  // what did not go as well as it could
};

/// Asks the server, before any clock starts, and with a bound on it all of a minute:
///
/// - Auto on /v1/completions: one request of 16 ids and one token. A server that takes and counts
///   them gets lists of ids; where the greatest id is beyond its vocabulary, a smaller range is
///   tried. One that refuses them all, or counts something else, gets words. One that does not say
///   (no answer, no key, busy) gets ids that nearly every vocabulary has.
/// - TokenIds: those same ids, nothing is asked.
/// - Words, and chat always: words that the server's /tokenize makes one token of, each (vLLM's and
///   SGLang's form of it, or llama.cpp's); without it, as many words as usage teaches.
///
/// Never an error for what the server does or does not say.
Result<PromptChoice> choose_prompts(const loadgen::Target& target, PromptKind wanted,
                                    std::uint64_t seed,
                                    const std::function<bool()>& interrupted = {});

}  // namespace kneepoint::app
