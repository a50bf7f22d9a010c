#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "emulator/words.h"

namespace kneepoint::emulator {

/// The content of a request as the prefix cache of sim::Engine knows it: a hash for each full block
/// of its prompt and answer, covering all before it. The answer is known beforehand, so a later
/// turn of a conversation, which sends it back, finds it. At most `most` hashes; replaces `hashes`.
void block_hashes(std::span<const TokenId> prompt, AnswerWords answer, std::int64_t answer_tokens,
                  std::int64_t block_size, std::int64_t most, std::vector<std::uint64_t>& hashes);

}  // namespace kneepoint::emulator
