#include "emulator/answer.h"

#include <fmt/format.h>

#include "base/json.h"
#include "http/server.h"

namespace kneepoint::emulator {
namespace {

void append_usage(const UsageCounts& usage, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 R"("usage":{{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{})",
                 usage.prompt, usage.completion, usage.prompt + usage.completion);
  if (usage.cached > 0) {
    fmt::format_to(std::back_inserter(out), R"(,"prompt_tokens_details":{{"cached_tokens":{}}})",
                   usage.cached);
  }
  out += '}';
}

void append_top(const AnswerHead& head, std::string_view object, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 R"({{"id":"{}","object":"{}","created":{},"model":{},"choices":[)", head.id,
                 object, head.created, head.model_json);
}

std::string_view chunk_object(const AnswerHead& head) {
  return head.chat ? "chat.completion.chunk" : "text_completion";
}

void append_reason(std::string_view reason, std::string& out) {
  out += R"(,"finish_reason":)";
  if (reason.empty()) {
    out += "null";
  } else {
    fmt::format_to(std::back_inserter(out), "\"{}\"", reason);
  }
}

/// Puts a chunk's size in front of what was written from `start` on, and its end behind. The size
/// always takes four digits, so that the data need not move: room for it is left by open_chunk().
constexpr std::size_t kSizeLine = 6;

std::size_t open_chunk(std::string& out) {
  out.append(kSizeLine, '0');
  return out.size();
}

void close_chunk(std::size_t start, std::string& out) {
  const std::size_t size = out.size() - start;
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (size > 0xffff) {  // never a token; an answer's odd end at most
    out.replace(start - kSizeLine, kSizeLine, fmt::format("{:x}\r\n", size));
  } else {
    char* line = out.data() + (start - kSizeLine);
    for (int i = 0; i < 4; ++i) line[i] = kDigits[size >> (12 - 4 * i) & 15U];
    line[4] = '\r';
    line[5] = '\n';
  }
  out += "\r\n";
}

std::string_view line_end(const StreamStyle& style) { return style.crlf ? "\r\n" : "\n"; }

void end_event(const StreamStyle& style, std::string& out) {
  out += line_end(style);
  out += line_end(style);
}

}  // namespace

void append_word(TokenId id, std::string& text) {
  const auto letters = letters_of(id);
  text += ' ';
  text.append(letters.data(), letters.size());
}

std::size_t append_event(const StreamStyle& style, const AnswerHead& head, std::string_view text,
                         std::string_view finish_reason, const UsageCounts* usage,
                         std::string& out) {
  const std::size_t start = open_chunk(out);
  out += "data: ";
  append_top(head, chunk_object(head), out);
  out += head.chat ? R"({"index":0,"delta":{"content":")" : R"({"index":0,"text":")";
  const std::size_t at = out.size();
  out += text;
  out += head.chat ? R"("},"logprobs":null)" : R"(","logprobs":null)";
  append_reason(finish_reason, out);
  out += "}]";
  if (usage != nullptr) {
    out += ',';
    append_usage(*usage, out);
  } else if (style.null_usage) {
    out += R"(,"usage":null)";
  }
  out += '}';
  end_event(style, out);
  close_chunk(start, out);
  return at;
}

void append_role_event(const StreamStyle& style, const AnswerHead& head, std::string& out) {
  const std::size_t start = open_chunk(out);
  out += "data: ";
  append_top(head, chunk_object(head), out);
  out += R"({"index":0,"delta":{"role":"assistant","content":""},"logprobs":null)";
  append_reason({}, out);
  out += style.null_usage ? R"(}],"usage":null})" : "}]}";
  end_event(style, out);
  close_chunk(start, out);
}

void append_usage_event(const StreamStyle& style, const AnswerHead& head, const UsageCounts& usage,
                        std::string& out) {
  const std::size_t start = open_chunk(out);
  out += "data: ";
  append_top(head, chunk_object(head), out);
  out += "],";
  append_usage(usage, out);
  out += '}';
  end_event(style, out);
  close_chunk(start, out);
}

void append_data_event(const StreamStyle& style, std::string_view data, std::string& out) {
  const std::size_t start = open_chunk(out);
  out += "data: ";
  out += data;
  end_event(style, out);
  close_chunk(start, out);
}

void append_end(const StreamStyle& style, std::string& out) {
  if (style.done) append_data_event(style, "[DONE]", out);
  out += "0\r\n\r\n";
}

std::string whole_answer(const AnswerHead& head, std::string_view text,
                         std::string_view finish_reason, const UsageCounts& usage) {
  std::string out;
  append_top(head, head.chat ? "chat.completion" : "text_completion", out);
  out += head.chat ? R"({"index":0,"message":{"role":"assistant","content":")"
                   : R"({"index":0,"text":")";
  out += text;
  out += head.chat ? R"("},"logprobs":null)" : R"(","logprobs":null)";
  append_reason(finish_reason, out);
  out += "}],";
  append_usage(usage, out);
  out += '}';
  return out;
}

std::string error_body(int status, std::string_view message, bool flat) {
  const std::string_view type = status == 404   ? "NotFoundError"
                                : status == 401 ? "AuthenticationError"
                                : status == 429 ? "RateLimitError"
                                : status < 500  ? "BadRequestError"
                                                : "InternalServerError";
  json::Object error{{"message", message}, {"type", type}, {"param", nullptr}, {"code", status}};
  if (flat) {
    error["object"] = "error";
    return json::to_line(error);
  }
  return json::to_line(json::Object{{"error", std::move(error)}});
}

std::string json_string(std::string_view text) { return json::to_line(json::Value(text)); }

}  // namespace kneepoint::emulator
