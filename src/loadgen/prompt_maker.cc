#include "loadgen/prompt_maker.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <string_view>

#include "base/random.h"

namespace kneepoint::loadgen {
namespace {

/// Calls `token(random number)` for each token of a prompt. What sessions of a group share is drawn
/// from a stream of the group, the rest from one of the prompt: a later turn repeats the earlier
/// ones and goes on.
template <class Token>
void each_token(std::uint64_t seed, const workload::RequestPlan& plan, Token token) {
  if (plan.prefix_group) {
    Random shared(seed, "prefix-tokens", static_cast<std::uint64_t>(*plan.prefix_group));
    for (std::int64_t i = 0; i < plan.prefix.count(); ++i) token(shared);
  }
  Random own(seed, "prompt-tokens", static_cast<std::uint64_t>(plan.prompt));
  const std::int64_t rest = (plan.history + plan.input).count();
  for (std::int64_t i = 0; i < rest; ++i) token(own);
}

class TokenIds final : public PromptMaker {
 public:
  TokenIds(std::uint64_t seed, IdRange range) : seed_(seed), range_(range) {}

  void write(const workload::RequestPlan& plan, std::string& json) override {
    json += '[';
    bool first = true;
    const auto span = static_cast<std::uint64_t>(range_.last - range_.first + 1);
    each_token(seed_, plan, [&](Random& random) {
      if (!first) json += ',';
      first = false;
      const fmt::format_int id(range_.first + static_cast<std::int64_t>(random.below(span)));
      json.append(id.data(), id.size());
    });
    json += ']';
  }

 private:
  std::uint64_t seed_;
  IdRange range_;
};

constexpr std::array<std::string_view, 64> kWords{
    "time",   "people", "way",   "water", "words", "man",    "work",  "part",   "place", "years",
    "day",    "house",  "world", "life",  "hand",  "school", "state", "family", "point", "group",
    "number", "night",  "end",   "city",  "head",  "side",   "kind",  "home",   "room",  "book",
    "story",  "eye",    "job",   "word",  "side",  "body",   "door",  "field",  "law",   "car",
    "name",   "team",   "air",   "line",  "game",  "road",   "level", "force",  "voice", "light",
    "table",  "party",  "river", "food",  "plan",  "paper",  "music", "street", "model", "data",
    "power",  "price",  "color", "girl"};

class Words final : public PromptMaker {
 public:
  Words(std::uint64_t seed, Api api) : seed_(seed), api_(api) {}

  void write(const workload::RequestPlan& plan, std::string& json) override {
    if (api_ == Api::Chat) json += R"([{"role":"user","content":)";
    json += '"';
    bool first = true;
    each_token(seed_, plan, [&](Random& random) {
      if (!first) json += ' ';
      first = false;
      json += kWords[random.below(kWords.size())];
    });
    json += '"';
    if (api_ == Api::Chat) json += "}]";
  }

 private:
  std::uint64_t seed_;
  Api api_;
};

}  // namespace

std::unique_ptr<PromptMaker> token_id_prompts(std::uint64_t seed, IdRange range) {
  return std::make_unique<TokenIds>(seed, range);
}

std::unique_ptr<PromptMaker> word_prompts(std::uint64_t seed, Api api) {
  return std::make_unique<Words>(seed, api);
}

}  // namespace kneepoint::loadgen
