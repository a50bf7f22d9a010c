#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "emulator/words.h"

namespace kneepoint::emulator {

/// What a body of /v1/completions or /v1/chat/completions asks for.
struct Ask {
  std::string model;  // empty when not named
  std::int64_t prompt_tokens = 0;
  std::vector<TokenId> prompt;  // only when wanted
  std::optional<std::int64_t> max_tokens;
  std::int64_t min_tokens = 0;
  bool ignore_eos = false;
  bool stream = false;
  bool include_usage = false;           // stream_options
  bool continuous_usage_stats = false;  // the same
};

/// Reads bodies of requests. They lie in memory whole, readable 64 bytes past their end. What
/// clients send beyond the fields of Ask (temperature, top_p ...) changes nothing here and is
/// skipped; a field of Ask with a wrong type or range is an error in the words of the API. Keeps
/// its memory from body to body; belongs to one thread.
class BodyReader {
 public:
  BodyReader();
  ~BodyReader();

  /// The prompt is a text, a list of token ids, or a list with one of these.
  Result<Ask> completion(std::string_view padded, bool want_ids);
  /// Messages count kTokensPerMessage each beside their words, and kTokensToAnswer once: what a
  /// chat template adds.
  Result<Ask> chat(std::string_view padded, bool want_ids);
  static constexpr std::int64_t kTokensPerMessage = 4;
  static constexpr std::int64_t kTokensToAnswer = 3;

  /// Of /tokenize: `prompt` or `messages`.
  Result<std::vector<TokenId>> tokenize(std::string_view padded);
  /// Of /detokenize: `tokens`.
  Result<std::vector<TokenId>> detokenize(std::string_view padded);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kneepoint::emulator
