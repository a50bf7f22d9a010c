#include "emulator/request_body.h"

#include <fmt/format.h>
#include <simdjson.h>

namespace kneepoint::emulator {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::int64_t kMost = 1'000'000'000;

tl::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::InvalidArgument, std::move(message));
}

/// Counts, and keeps the ids where they are wanted.
struct Prompt {
  std::int64_t count = 0;
  std::vector<TokenId> ids;
  bool keep = false;

  void add_text(std::string_view text) {
    if (!keep) {
      count += static_cast<std::int64_t>(count_tokens(text));
      return;
    }
    append_tokens(text, ids);
    count = static_cast<std::int64_t>(ids.size());
  }
  void add_id(TokenId id) {
    if (keep) ids.push_back(id);
    ++count;
  }
};

Result<std::int64_t> integer(element value, std::string_view name, std::int64_t least) {
  std::int64_t number = 0;
  if (value.get(number)) return bad(fmt::format("{} must be an integer", name));
  if (number < least || number > kMost) {
    return bad(fmt::format("{} must be at least {}, got {}.", name, least, number));
  }
  return number;
}

Result<bool> boolean(element value, std::string_view name) {
  bool on = false;
  if (value.is_null()) return false;
  if (value.get(on)) return bad(fmt::format("{} must be true or false", name));
  return on;
}

Result<void> read_ids(array items, Prompt& prompt) {
  for (const element item : items) {
    std::uint64_t id = 0;
    if (item.get(id) || id > 0xffffffffU) return bad("a token id must be a whole number from 0");
    prompt.add_id(static_cast<TokenId>(id));
  }
  return {};
}

Result<void> read_prompt(element value, Prompt& prompt) {
  std::string_view text;
  if (!value.get(text)) {
    prompt.add_text(text);
    return {};
  }
  array items;
  if (value.get(items)) return bad("prompt must be a string or a list of token ids");
  const auto first = items.begin();
  if (first == items.end()) return bad("prompt must not be empty");
  if ((*first).is_uint64() || (*first).is_int64()) return read_ids(items, prompt);
  auto second = items.begin();
  if (++second != items.end()) {
    return bad("one prompt a request: this server does not take several");
  }
  if ((*first).is_array() || (*first).is_string()) {
    array nested;
    if (!(*first).get(nested)) return read_ids(nested, prompt);
    return read_prompt(*first, prompt);
  }
  return bad("prompt must be a string or a list of token ids");
}

Result<void> read_content(element content, Prompt& prompt) {
  std::string_view text;
  if (content.is_null()) return {};
  if (!content.get(text)) {
    prompt.add_text(text);
    return {};
  }
  array parts;
  if (content.get(parts)) return bad("content must be a string or a list of parts");
  for (const element part : parts) {
    if (!part["text"].get(text)) prompt.add_text(text);
  }
  return {};
}

/// An answer begins as a message does, so that the next turn's prompt begins with this one's and
/// its answer.
constexpr TokenId kMessageEnd = BodyReader::kTokensToAnswer;
static_assert(BodyReader::kTokensPerMessage == BodyReader::kTokensToAnswer + 1);

void open_message(Prompt& prompt) {
  for (TokenId id = 0; id < kMessageEnd; ++id) prompt.add_id(id);
}

Result<void> read_messages(element value, Prompt& prompt) {
  array messages;
  if (value.get(messages) || messages.begin() == messages.end()) {
    return bad("messages must be a list with at least one message");
  }
  for (const element message : messages) {
    std::string_view role;
    if (message["role"].get(role)) return bad("each message needs a role");
    open_message(prompt);
    element content;
    if (!message["content"].get(content)) {  // of a tool call there is none
      if (auto read = read_content(content, prompt); !read) return read;
    }
    prompt.add_id(kMessageEnd);
  }
  open_message(prompt);
  return {};
}

Result<void> read_stream_options(element value, Ask& ask) {
  if (value.is_null()) return {};
  object options;
  if (value.get(options)) return bad("stream_options must be an object");
  for (const auto& member : options) {
    if (member.key != "include_usage" && member.key != "continuous_usage_stats") continue;
    const auto on = boolean(member.value, member.key);
    if (!on) return fail(on.error());
    (member.key == "include_usage" ? ask.include_usage : ask.continuous_usage_stats) = *on;
  }
  return {};
}

/// What both kinds of completion have alike.
Result<void> read_common(std::string_view key, element value, Ask& ask) {
  if (key == "stream" || key == "ignore_eos") {
    const auto on = boolean(value, key);
    if (!on) return fail(on.error());
    (key == "stream" ? ask.stream : ask.ignore_eos) = *on;
  } else if (key == "max_tokens" || key == "max_completion_tokens" || key == "n_predict") {
    if (value.is_null()) return {};
    const auto number = integer(value, key, 1);
    if (!number) return fail(number.error());
    ask.max_tokens = *number;
  } else if (key == "min_tokens") {
    if (value.is_null()) return {};
    const auto number = integer(value, key, 0);
    if (!number) return fail(number.error());
    ask.min_tokens = *number;
  } else if (key == "n" || key == "best_of") {
    if (value.is_null()) return {};
    const auto number = integer(value, key, 1);
    if (!number) return fail(number.error());
    if (*number != 1) return bad(fmt::format("{} must be 1: this server gives one answer", key));
  } else if (key == "stream_options") {
    return read_stream_options(value, ask);
  } else if (key == "model") {
    std::string_view model;
    if (value.get(model)) return bad("model must be a string");
    ask.model = model;
  }
  return {};
}

}  // namespace

struct BodyReader::State {
  simdjson::dom::parser parser;

  Result<object> parse(std::string_view padded) {
    element root;
    // In place: the caller has made room past the end.
    const auto wrong = parser.parse(padded.data(), padded.size(), false).get(root);
    if (wrong) {
      return bad(fmt::format("the body is not JSON: {}", simdjson::error_message(wrong)));
    }
    object members;
    if (root.get(members)) return bad("the body must be a JSON object");
    return members;
  }
};

BodyReader::BodyReader() : state_(std::make_unique<State>()) {}
BodyReader::~BodyReader() = default;

namespace {

Result<Ask> read_ask(const object& members, std::string_view prompt_key, bool want_ids,
                     Result<void> (*read)(element, Prompt&)) {
  Ask ask;
  Prompt prompt;
  prompt.keep = want_ids;
  bool has_prompt = false;
  for (const auto& member : members) {
    if (member.key == prompt_key) {
      if (std::exchange(has_prompt, true)) {
        return bad(fmt::format("{} is there twice", prompt_key));
      }
      if (auto done = read(member.value, prompt); !done) return fail(done.error());
    } else if (auto done = read_common(member.key, member.value, ask); !done) {
      return fail(done.error());
    }
  }
  if (!has_prompt) return bad(fmt::format("{} is missing", prompt_key));
  ask.prompt_tokens = prompt.count;
  ask.prompt = std::move(prompt.ids);
  return ask;
}

}  // namespace

Result<Ask> BodyReader::completion(std::string_view padded, bool want_ids) {
  const auto members = state_->parse(padded);
  if (!members) return fail(members.error());
  return read_ask(*members, "prompt", want_ids, read_prompt);
}

Result<Ask> BodyReader::chat(std::string_view padded, bool want_ids) {
  const auto members = state_->parse(padded);
  if (!members) return fail(members.error());
  return read_ask(*members, "messages", want_ids, read_messages);
}

Result<std::vector<TokenId>> BodyReader::tokenize(std::string_view padded) {
  const auto members = state_->parse(padded);
  if (!members) return fail(members.error());
  Prompt prompt;
  prompt.keep = true;
  element value;
  Result<void> done;
  if (!members->at_key("prompt").get(value)) {
    done = read_prompt(value, prompt);
  } else if (!members->at_key("messages").get(value)) {
    done = read_messages(value, prompt);
  } else {
    return bad("prompt or messages is missing");
  }
  if (!done) return fail(done.error());
  return std::move(prompt.ids);
}

Result<std::vector<TokenId>> BodyReader::detokenize(std::string_view padded) {
  const auto members = state_->parse(padded);
  if (!members) return fail(members.error());
  Prompt prompt;
  prompt.keep = true;
  array items;
  if (members->at_key("tokens").get(items)) return bad("tokens must be a list of token ids");
  if (auto done = read_ids(items, prompt); !done) return fail(done.error());
  return std::move(prompt.ids);
}

}  // namespace kneepoint::emulator
