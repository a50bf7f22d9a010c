#include "app/prompt_probe.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "base/json.h"
#include "http/client.h"
#include "http/loop.h"
#include "loadgen/answer.h"

namespace kneepoint::app {
namespace {

using workload::IdRange;
using workload::PromptForm;
using workload::TextScale;

constexpr std::size_t kLargestReply = std::size_t{1} << 20;
constexpr Nanos kOneAnswer = std::chrono::seconds(20);
constexpr Nanos kAllCounting = std::chrono::seconds(30);
constexpr std::int64_t kProbed = 16;  // ids in the request that asks whether they are taken
/// A start token and the like may come on top.
constexpr std::int64_t kMayBeAdded = 2;
/// In every vocabulary of 2,000 tokens or more, and never special.
constexpr IdRange kCommonIds{.first = 1000, .last = 1999};
/// From a usual vocabulary down to one of bytes.
constexpr std::array<std::int64_t, 3> kSmallVocabularies{4096, 2048, 256};

/// As many ids as asked, its range's ends among them.
class Ends final : public workload::PromptMaker {
 public:
  explicit Ends(IdRange range) : range_(range) {}
  void write(const workload::RequestPlan& plan, std::string& json) override {
    json += '[';
    for (std::int64_t i = 0; i < plan.input.count(); ++i) {
      json += fmt::format("{}{}", i > 0 ? "," : "", i % 2 == 0 ? range_.first : range_.last);
    }
    json += ']';
  }

 private:
  IdRange range_;
};

class Reply final : public http::Exchange {
 public:
  void on_head(const http::ResponseHead& head, http::Stamp) override {
    status = head.status;
    answer.on_head(head.status, head.is_event_stream());
  }
  void on_body(std::string_view bytes, http::Stamp stamp) override {
    answer.on_body(bytes, Nanos(stamp.at.time_since_epoch()), chunks);
    if (body.size() + bytes.size() <= kLargestReply) body += bytes;
  }
  void on_end(const http::Ending& ending) override {
    verdict = answer.on_end(ending, Nanos(0), chunks);
    whole = ending.outcome == http::Outcome::Complete;
    ended = true;
  }

  int status = 0;
  std::string body;
  loadgen::Answer answer;
  http::StreamChunkDecoder chunks;
  loadgen::Verdict verdict;
  bool whole = false, ended = false;
};

class Probe {
 public:
  Probe(http::Loop& loop, const loadgen::Target& target, const std::function<bool()>& interrupted)
      : loop_(loop),
        client_(loop, target.endpoint),
        target_(target),
        interrupted_(interrupted),
        until_(loop.now() + kAllCounting) {
    // What counts tokens stands beside the API: outside a base of /v1.
    root_ = target.endpoint.url;
    if (root_.base.ends_with("/v1")) root_.base.resize(root_.base.size() - 3);
  }

  enum class Takes { Yes, No, Unknown };
  struct Taken {
    Takes takes = Takes::Unknown;
    std::string why;
  };

  Result<Taken> takes_ids(IdRange range) {
    auto writer = loadgen::RequestWriter::open(target_, std::make_unique<Ends>(range));
    if (!writer) return fail(std::move(writer.error()));
    workload::RequestPlan plan;
    plan.input = Tokens(kProbed);
    plan.output = Tokens(1);
    auto wire = writer->wire(plan);
    if (!wire) return fail(std::move(wire.error()));
    Reply reply;
    send(std::move(*wire), reply);
    if (reply.verdict.what.empty()) {
      const auto& usage = reply.answer.timeline.usage;
      if (!usage) return Taken{Takes::Yes, ""};
      const std::int64_t counted = usage->input.count();
      if (counted >= kProbed && counted <= kProbed + kMayBeAdded) return Taken{Takes::Yes, ""};
      return Taken{Takes::No, fmt::format("it counts {} tokens in {} ids", counted, kProbed)};
    }
    // llama.cpp says 500 to a request it cannot read.
    const bool about_it = reply.status == 400 || reply.status == 422 || reply.status == 500 ||
                          (reply.status == 200 && reply.whole);
    return Taken{about_it ? Takes::No : Takes::Unknown,
                 writer->without_secrets(reply.verdict.what + " " + reply.verdict.example)};
  }

  /// How its words become tokens; nothing where it does not tell.
  std::optional<TextScale> text_scale(PromptForm form) {
    for (const auto count : {&Probe::count_by_model, &Probe::count_by_content}) {
      if (!(this->*count)("people", form)) continue;
      auto scale = workload::calibrate([&](std::string_view text) -> Result<Tokens> {
        if (const auto counted = (this->*count)(text, form)) return *counted;
        return fail(ErrorCode::Unavailable, "the server stopped counting tokens");
      });
      if (scale) return *std::move(scale);
    }
    return std::nullopt;
  }

 private:
  void send(std::string wire, Reply& reply) {
    const Nanos patience = std::min(kOneAnswer, std::max(Nanos(1), Nanos(until_ - loop_.now())));
    const auto id = client_.send(
        std::move(wire), reply,
        {.connect = patience, .first_byte = patience, .silence = patience, .whole = patience});
    bool cancelled = false;
    while (!reply.ended) {
      loop_.run_until([&] { return reply.ended; }, loop_.now() + std::chrono::milliseconds(100));
      if (!cancelled && interrupted_ && interrupted_()) {
        cancelled = true;
        client_.cancel(id);
      }
    }
  }

  std::optional<json::Value> post(std::string_view path, const json::Value& body) {
    http::Request request;
    request.path = root_.path(path);
    request.fields = {{"Content-Type", "application/json"}};
    request.fields.insert(request.fields.end(), target_.fields.begin(), target_.fields.end());
    if (!target_.token.empty()) {
      request.fields.emplace_back("Authorization", "Bearer " + target_.token);
    }
    request.body = json::to_line(body);
    auto wire = http::to_wire(root_, request);
    if (!wire || loop_.now() >= until_) return std::nullopt;
    Reply reply;
    send(std::move(*wire), reply);
    if (!reply.whole || reply.status != 200) return std::nullopt;
    auto value = json::parse(reply.body);
    if (!value || !value->is_object()) return std::nullopt;
    return *std::move(value);
  }

  static json::Value messages(std::string_view text) {
    return json::Array{json::Object{{"role", "user"}, {"content", text}}};
  }

  /// vLLM and SGLang: a prompt or messages, and a count.
  std::optional<Tokens> count_by_model(std::string_view text, PromptForm form) {
    json::Object body{{"model", target_.model}};
    if (form == PromptForm::Chat) {
      body.emplace("messages", messages(text));
      body.emplace("add_generation_prompt", true);
    } else {
      body.emplace("prompt", text);
    }
    const auto reply = post("/tokenize", body);
    const auto* count = reply ? reply->get_object().if_contains("count") : nullptr;
    if (count == nullptr || !count->is_int64() || count->get_int64() < 1) return std::nullopt;
    return Tokens(count->get_int64());
  }

  /// llama.cpp: a content, and a list of tokens; a chat's frame is put around it first.
  std::optional<Tokens> count_by_content(std::string_view text, PromptForm form) {
    std::string content(text);
    if (form == PromptForm::Chat) {
      const auto framed = post("/apply-template", json::Object{{"messages", messages(text)}});
      const auto* prompt = framed ? framed->get_object().if_contains("prompt") : nullptr;
      if (prompt == nullptr || !prompt->is_string()) return std::nullopt;
      content = prompt->get_string();
    }
    const auto reply =
        post("/tokenize",
             json::Object{{"content", content}, {"add_special", true}, {"parse_special", true}});
    const auto* tokens = reply ? reply->get_object().if_contains("tokens") : nullptr;
    if (tokens == nullptr || !tokens->is_array() || tokens->get_array().empty()) {
      return std::nullopt;
    }
    return Tokens(static_cast<std::int64_t>(tokens->get_array().size()));
  }

  http::Loop& loop_;
  http::Client client_;
  const loadgen::Target& target_;
  const std::function<bool()>& interrupted_;
  http::Time until_;
  http::Url root_;
};

PromptChoice ids(std::uint64_t seed, IdRange range) {
  return {.maker = workload::token_id_prompts(seed, range),
          .told = fmt::format("token ids {} to {}", range.first, range.last),
          .notes = {}};
}

PromptChoice words(Probe& probe, PromptForm form, std::uint64_t seed) {
  const auto scale = probe.text_scale(form);
  if (!scale) {
    return {.maker = workload::learning_text_prompts(seed, form),
            .told = "words, their tokens learned from usage",
            .notes = {}};
  }
  if (!scale->exact) {
    return {.maker = workload::learning_text_prompts(seed, form, *scale),
            .told = fmt::format("words of {:.2f} tokens on average by the server's /tokenize, "
                                "corrected by usage",
                                scale->tokens_per_word),
            .notes = {}};
  }
  return {
      .maker = workload::text_prompts(seed, form, *scale),
      .told = fmt::format("words of {:.0f} {} each by the server's /tokenize",
                          scale->tokens_per_word, scale->tokens_per_word == 1 ? "token" : "tokens"),
      .notes = {}};
}

}  // namespace

Result<PromptChoice> choose_prompts(const loadgen::Target& target, PromptKind wanted,
                                    std::uint64_t seed, const std::function<bool()>& interrupted) {
  const bool chat = target.api == loadgen::Api::Chat;
  if (wanted == PromptKind::TokenIds && !chat) return ids(seed, kCommonIds);
  auto loop = http::Loop::open();
  if (!loop) return fail(std::move(loop.error()));
  Probe probe(**loop, target, interrupted);
  const PromptForm form = chat ? PromptForm::Chat : PromptForm::Completion;
  if (chat || wanted == PromptKind::Words) return words(probe, form, seed);

  std::vector<IdRange> ranges{IdRange{}};
  for (const std::int64_t size : kSmallVocabularies) ranges.push_back(workload::safe_ids(size));
  std::string why;
  for (const IdRange range : ranges) {
    const auto taken = probe.takes_ids(range);
    if (!taken) return fail(taken.error());
    if (taken->takes == Probe::Takes::Yes) return ids(seed, range);
    if (taken->takes == Probe::Takes::Unknown) return ids(seed, kCommonIds);
    if (why.empty()) why = taken->why;
  }
  PromptChoice out = words(probe, form, seed);
  out.notes.push_back("prompts are words, as the server takes no token ids: " + why);
  return out;
}

}  // namespace kneepoint::app
