#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace kneepoint::http {

/// What one chunk adds to one of the answers asked for (`n` and several prompts give several).
struct ChoiceDelta {
  std::int64_t index = 0;
  std::string_view text;       // of the answer: `text`, `delta.content` or `message.content`
  std::string_view reasoning;  // `reasoning_content` or `reasoning`
  std::string_view tool_text;  // names and arguments of tool calls; the first piece of this chunk
  bool has_tool_call = false;
  bool has_role = false;
  std::int64_t token_ids = 0;      // how many ids the server listed; 0 when it lists none
  std::string_view finish_reason;  // empty while the answer goes on

  /// Whether there is any output in it. A chunk of a role, of a finish reason or of usage alone has
  /// none, and starts no clock.
  bool has_output() const {
    return !text.empty() || !reasoning.empty() || has_tool_call || token_ids > 0;
  }
};

struct Usage {
  Tokens prompt;
  Tokens completion;
  std::optional<Tokens> cached;     // of the prompt
  std::optional<Tokens> reasoning;  // of the completion
};

/// An error that came as data, under whatever status.
struct ServerError {
  std::string_view message;
  std::string_view type;
  std::optional<std::int64_t> code;
};

/// One event of a stream, or the body of an answer that was not streamed. Views live until the next
/// decode().
struct StreamChunk {
  bool done = false;  // [DONE]; some servers never send it
  std::vector<ChoiceDelta> choices;
  std::optional<Usage> usage;
  std::optional<ServerError> error;
  bool cumulative = false;  // texts and token_ids hold the answer so far, not what is new

  bool has_output() const {
    for (const ChoiceDelta& choice : choices) {
      if (choice.has_output()) return true;
    }
    return false;
  }
};

/// Reads the `data:` of completion and chat streams as OpenAI defined them and as servers vary
/// them: usage null, absent, on every chunk, on the last chunk, or on one without choices; errors
/// nested, flat, or a bare string, in a stream whose status was 200; text that repeats what came
/// before (SGLang's own /generate); llama.cpp's and TGI's own streams. Members it does not know are
/// skipped.
///
/// A chunk is not a token: servers merge tokens when they lag. Tokens are counted by usage or by
/// token ids; a chunk only says when output came.
///
/// One per thread; keeps the memory of the parser between events.
class StreamChunkDecoder {
 public:
  StreamChunkDecoder();
  ~StreamChunkDecoder();
  StreamChunkDecoder(StreamChunkDecoder&&) noexcept;
  StreamChunkDecoder& operator=(StreamChunkDecoder&&) noexcept;

  /// The chunk lives in the decoder until the next call. An error: the data is not a JSON object.
  Result<const StreamChunk*> decode(std::string_view data);

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;
  StreamChunk chunk_;
};

}  // namespace kneepoint::http
