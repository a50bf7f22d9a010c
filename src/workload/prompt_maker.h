#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/units.h"
#include "workload/calibrate.h"
#include "workload/generator.h"

namespace kneepoint::workload {

/// Where the prompt stands in a request.
enum class PromptForm {
  Completion,  // a list of ids, or a string
  Chat,        // a list of messages; all is said by one user, as a session's history is planned
};

/// Turns "so many tokens, these of them shared" into what a server is sent. Sessions of one prefix
/// group begin with the same tokens, sessions with one prompt number are the same, any others part
/// with the first token after the prefix; a later turn repeats what the earlier ones sent and goes
/// on. One thread.
class PromptMaker {
 public:
  virtual ~PromptMaker() = default;

  /// Appends the JSON value of `prompt` or `messages`.
  virtual void write(const RequestPlan& plan, std::string& json) = 0;
  /// What the server counted of a prompt of this maker: for those that learn from it.
  virtual void learn(const RequestPlan&, Tokens /*counted*/) {}
};

/// Ids that are ordinary tokens: above the special ones and single bytes at a vocabulary's start,
/// below those added at its end.
struct IdRange {
  std::int64_t first = 1000;
  std::int64_t last = 9191;
};
/// For a vocabulary of so many tokens; a small one gives its second quarter.
IdRange safe_ids(std::int64_t vocabulary);

/// Lists of token ids: exactly as many tokens as wanted, the prefix too. Only /v1/completions takes
/// them.
std::unique_ptr<PromptMaker> token_id_prompts(std::uint64_t seed, IdRange range = {});

/// Words of word_list(). With an exact scale a prompt has as many server tokens as wanted, from the
/// scale's overhead on; the prefix has them besides the overhead. The same plan gives the same
/// prompt.
std::unique_ptr<PromptMaker> text_prompts(std::uint64_t seed, PromptForm form, TextScale scale);

/// The same, with the scale learned from usage: the first UsageScale::kPrompts prompts are off by
/// what is not known yet. A group's prefix keeps the words of its first prompt.
std::unique_ptr<PromptMaker> learning_text_prompts(std::uint64_t seed, PromptForm form,
                                                   TextScale start = {});

}  // namespace kneepoint::workload
