#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/units.h"
#include "workload/generator.h"

namespace kneepoint::loadgen {

enum class Api { Completions, Chat };

/// Turns "so many tokens, these of them shared" into what the server is sent. The same plan gives
/// the same prompt.
class PromptMaker {
 public:
  virtual ~PromptMaker() = default;

  /// Appends the JSON value of `prompt` (completions) or `messages` (chat).
  virtual void write(const workload::RequestPlan& plan, std::string& json) = 0;
  /// What the server counted of a prompt of this maker.
  virtual void learn(const workload::RequestPlan&, Tokens /*counted*/) {}
};

/// Lists of token ids, which only /v1/completions takes: exactly as many tokens as wanted. Ids are
/// drawn from first..last: below any vocabulary's end and above the special ones at its start.
struct IdRange {
  std::int64_t first = 1000;
  std::int64_t last = 1999;
};
std::unique_ptr<PromptMaker> token_id_prompts(std::uint64_t seed, IdRange range = {});

/// Short English words, one for each token wanted: most tokenizers make one token of each, none
/// promises it. For chat and for servers that take no ids.
std::unique_ptr<PromptMaker> word_prompts(std::uint64_t seed, Api api);

}  // namespace kneepoint::loadgen
