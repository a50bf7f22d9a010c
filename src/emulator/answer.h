#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "emulator/words.h"

/// The texts of answers: events of streams, whole answers, errors. Written by hand into buffers:
/// a token may cost no allocation. Everything variable in them is checked or escaped beforehand.
namespace kneepoint::emulator {

/// How streams of different servers differ.
struct StreamStyle {
  bool crlf = false;           // lines end in CRLF
  bool done = true;            // "data: [DONE]" at the end
  bool null_usage = false;     // "usage":null on every chunk (SGLang)
  bool usage_on_last = false;  // usage rides on the chunk with the finish reason (llama.cpp)
  bool usage_always = false;   // usage comes without being asked for
  bool usage_never = false;    // and not even then
  bool split_writes = false;   // a chunk's size, data and end in writes of their own (llama.cpp)
};

struct UsageCounts {
  std::int64_t prompt = 0;
  std::int64_t completion = 0;
  std::int64_t cached = 0;
};

/// What stays the same in all events of one answer.
struct AnswerHead {
  bool chat = false;
  std::string id;          // safe in JSON
  std::string model_json;  // quoted and escaped
  std::int64_t created = 0;
};

/// " bakemo": what one token adds to an answer.
void append_word(TokenId id, std::string& text);
inline constexpr std::size_t kPieceLetters = kWordLetters + 1;

/// One event in an HTTP chunk of its own, appended to `out`. Returns where its text starts in it.
std::size_t append_event(const StreamStyle& style, const AnswerHead& head, std::string_view text,
                         std::string_view finish_reason, const UsageCounts* usage,
                         std::string& out);
/// The first event of a chat, which has a role and no text.
void append_role_event(const StreamStyle& style, const AnswerHead& head, std::string& out);
void append_usage_event(const StreamStyle& style, const AnswerHead& head, const UsageCounts& usage,
                        std::string& out);
/// An event with any data.
void append_data_event(const StreamStyle& style, std::string_view data, std::string& out);
/// [DONE] where the style has it, and the last chunk.
void append_end(const StreamStyle& style, std::string& out);

/// The body of an answer that is not streamed.
std::string whole_answer(const AnswerHead& head, std::string_view text,
                         std::string_view finish_reason, const UsageCounts& usage);

/// An error as OpenAI-compatible servers write it; `flat` as SGLang does.
std::string error_body(int status, std::string_view message, bool flat);

/// Quoted and escaped.
std::string json_string(std::string_view text);

}  // namespace kneepoint::emulator
