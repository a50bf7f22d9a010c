#include "http/stream_chunk.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <utility>

namespace kneepoint::http {
namespace {

// The tree, not the on-demand walk: on a chunk of 250 bytes both take a third of a microsecond
// (Debian's library picks the processor's instructions at run time for the tree only), and the tree
// refuses a text that is broken anywhere, not only where it was looked at.
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::string_view text_of(element value) {
  std::string_view text;
  if (value.get(text)) return {};
  return text;
}

std::optional<std::int64_t> integer_of(element value) {
  std::int64_t number = 0;
  if (!value.get(number)) return number;
  double real = 0;
  if (!value.get(real) && real >= -9e15 && real <= 9e15) return static_cast<std::int64_t>(real);
  const std::string_view text = text_of(value);
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong == std::errc() && !text.empty() && end == text.data() + text.size()) return number;
  return std::nullopt;
}

Tokens tokens_of(element value) {
  const std::int64_t count = integer_of(value).value_or(0);
  return Tokens(count < 0 ? 0 : count);
}

std::int64_t size_of(element value) {
  array items;
  if (value.get(items)) return 0;
  return static_cast<std::int64_t>(items.size());
}

void read_tool_calls(element value, ChoiceDelta& choice) {
  array calls;
  if (value.get(calls)) return;
  for (const element call : calls) {
    choice.has_tool_call = true;
    object function;
    if (call["function"].get(function)) continue;
    for (const auto& member : function) {
      if (!choice.tool_text.empty()) break;
      if (member.key == "name" || member.key == "arguments") {
        choice.tool_text = text_of(member.value);
      }
    }
  }
}

/// `delta` of a chunk, `message` of a whole answer.
void read_message(element value, ChoiceDelta& choice) {
  object message;
  if (value.get(message)) return;
  for (const auto& member : message) {
    if (member.key == "content") {
      choice.text = text_of(member.value);
    } else if (member.key == "reasoning_content" || member.key == "reasoning") {
      if (choice.reasoning.empty()) choice.reasoning = text_of(member.value);
    } else if (member.key == "tool_calls") {
      read_tool_calls(member.value, choice);
    } else if (member.key == "function_call") {  // how tool calls were once called
      choice.has_tool_call = choice.has_tool_call || member.value.is_object();
    } else if (member.key == "role") {
      choice.has_role = member.value.is_string();
    }
  }
}

void read_choices(element value, StreamChunk& chunk) {
  array choices;
  if (value.get(choices)) return;
  for (const element item : choices) {
    object members;
    if (item.get(members)) continue;
    ChoiceDelta& choice = chunk.choices.emplace_back();
    for (const auto& member : members) {
      if (member.key == "text") {
        choice.text = text_of(member.value);
      } else if (member.key == "delta" || member.key == "message") {
        read_message(member.value, choice);
      } else if (member.key == "index") {
        choice.index = integer_of(member.value).value_or(0);
      } else if (member.key == "finish_reason") {
        choice.finish_reason = text_of(member.value);
      } else if (member.key == "token_ids") {
        choice.token_ids = size_of(member.value);
      }
    }
  }
}

std::optional<Tokens> detail(element value, std::string_view name) {
  element found;
  if (value[name].get(found) || found.is_null()) return std::nullopt;
  return tokens_of(found);
}

void read_usage(element value, StreamChunk& chunk) {
  object members;
  if (value.get(members)) return;  // null, as SGLang has it on every chunk
  Usage usage;
  for (const auto& member : members) {
    if (member.key == "prompt_tokens") {
      usage.prompt = tokens_of(member.value);
    } else if (member.key == "completion_tokens") {
      usage.completion = tokens_of(member.value);
    } else if (member.key == "prompt_tokens_details") {
      usage.cached = detail(member.value, "cached_tokens");
    } else if (member.key == "completion_tokens_details") {
      if (auto tokens = detail(member.value, "reasoning_tokens")) usage.reasoning = tokens;
    } else if (member.key == "reasoning_tokens" && !usage.reasoning) {
      usage.reasoning = tokens_of(member.value);
    }
  }
  chunk.usage = usage;
}

/// {"error": {...}}, {"error": "words"}, {"object": "error", ...} and {"detail": ...}.
void read_error(element value, StreamChunk& chunk) {
  if (value.is_null()) return;
  ServerError error;
  object members;
  if (!value.get(members)) {
    for (const auto& member : members) {
      if (member.key == "message") {
        error.message = text_of(member.value);
      } else if (member.key == "type") {
        error.type = text_of(member.value);
      } else if (member.key == "code") {
        error.code = integer_of(member.value);
      }
    }
  } else {
    error.message = text_of(value);
  }
  chunk.error = error;
}

/// What FastAPI says: words, or a list of what was wrong where.
void read_detail(element value, StreamChunk& chunk) {
  if (value.is_null()) return;
  ServerError error;
  array places;
  if (!value.get(places)) {
    for (const element place : places) {
      element words;
      if (!place["msg"].get(words) && error.message.empty()) error.message = text_of(words);
    }
  } else {
    error.message = text_of(value);
  }
  chunk.error = error;
}

/// A finish reason is a word, or in SGLang's /generate an object with the word as its type.
std::string_view reason_of(element value) {
  element type;
  if (value.is_object() && !value["type"].get(type)) return text_of(type);
  return text_of(value);
}

/// SGLang's /generate: {"text": so far, "output_ids": so far, "meta_info": {...}}.
void read_cumulative(object root, element meta, StreamChunk& chunk) {
  chunk.cumulative = true;
  ChoiceDelta& choice = chunk.choices.emplace_back();
  element found;
  if (!root["text"].get(found)) choice.text = text_of(found);
  if (!root["output_ids"].get(found)) choice.token_ids = size_of(found);
  if (!root["index"].get(found)) choice.index = integer_of(found).value_or(0);
  if (!meta["finish_reason"].get(found)) choice.finish_reason = reason_of(found);
  if (choice.finish_reason == "abort" && !meta["finish_reason"]["message"].get(found)) {
    chunk.error = ServerError{.message = text_of(found), .type = "abort", .code = {}};
  }
  Usage usage;
  if (!meta["prompt_tokens"].get(found)) usage.prompt = tokens_of(found);
  if (!meta["completion_tokens"].get(found)) {
    usage.completion = tokens_of(found);
    chunk.usage = usage;
  }
}

/// llama.cpp's /completion: {"content": new, "tokens": [new], "stop": is it the last}.
void read_llama(object root, element content, StreamChunk& chunk) {
  ChoiceDelta& choice = chunk.choices.emplace_back();
  choice.text = text_of(content);
  element found;
  if (!root["index"].get(found)) choice.index = integer_of(found).value_or(0);
  if (!root["tokens"].get(found)) choice.token_ids = size_of(found);
  bool last = false;
  if (root["stop"].get(last) || !last) return;
  choice.finish_reason = "stop";
  if (!root["stop_type"].get(found) && text_of(found) == "limit") choice.finish_reason = "length";
  Usage usage;
  if (!root["tokens_evaluated"].get(found)) usage.prompt = tokens_of(found);
  if (!root["tokens_predicted"].get(found)) {
    usage.completion = tokens_of(found);
    chunk.usage = usage;
  }
}

/// TGI's /generate_stream: {"token": {"id", "text", "special"}, "details": {...} on the last}.
void read_tgi(object root, element token, StreamChunk& chunk) {
  ChoiceDelta& choice = chunk.choices.emplace_back();
  choice.token_ids = 1;
  element found;
  if (!token["text"].get(found)) choice.text = text_of(found);
  if (root["details"].get(found) || !found.is_object()) return;
  element part;
  if (!found["finish_reason"].get(part)) choice.finish_reason = text_of(part);
  if (!found["generated_tokens"].get(part)) {
    Usage usage;
    usage.completion = tokens_of(part);
    if (!found["input_length"].get(part)) usage.prompt = tokens_of(part);
    chunk.usage = usage;
  }
}

void read_root(element document, object root, StreamChunk& chunk) {
  bool flat_error = false;
  for (const auto& member : root) {
    if (member.key == "choices") {
      read_choices(member.value, chunk);
    } else if (member.key == "usage") {
      read_usage(member.value, chunk);
    } else if (member.key == "error") {
      read_error(member.value, chunk);
    } else if (member.key == "object") {
      flat_error = text_of(member.value) == "error";
    } else if (member.key == "detail") {
      read_detail(member.value, chunk);
    } else if (member.key == "meta_info" && member.value.is_object()) {
      read_cumulative(root, member.value, chunk);
    } else if (member.key == "content" && member.value.is_string()) {
      read_llama(root, member.value, chunk);
    } else if (member.key == "token" && member.value.is_object()) {
      read_tgi(root, member.value, chunk);
    }
  }
  if (flat_error && !chunk.error) read_error(document, chunk);
}

}  // namespace

struct StreamChunkDecoder::Reader {
  simdjson::dom::parser parser;
};

StreamChunkDecoder::StreamChunkDecoder() : reader_(std::make_unique<Reader>()) {}
StreamChunkDecoder::~StreamChunkDecoder() = default;
StreamChunkDecoder::StreamChunkDecoder(StreamChunkDecoder&&) noexcept = default;
StreamChunkDecoder& StreamChunkDecoder::operator=(StreamChunkDecoder&&) noexcept = default;

Result<const StreamChunk*> StreamChunkDecoder::decode(std::string_view data) {
  chunk_.done = chunk_.cumulative = false;
  chunk_.choices.clear();
  chunk_.usage.reset();
  chunk_.error.reset();
  if (data == "[DONE]") {
    chunk_.done = true;
    return &chunk_;
  }
  element document;
  object root;
  // The parser copies the bytes to where it may read past their end, and keeps that memory.
  auto wrong = reader_->parser.parse(data.data(), data.size()).get(document);
  if (!wrong) wrong = document.get(root);
  if (wrong) {
    return fail(ErrorCode::InvalidArgument,
                fmt::format("a chunk is not a JSON object ({}): {}", simdjson::error_message(wrong),
                            data.substr(0, 80)));
  }
  read_root(document, root, chunk_);
  return &chunk_;
}

}  // namespace kneepoint::http
