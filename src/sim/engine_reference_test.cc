// Holds the engine to a second one that is written as plainly as possible: it moves every block and
// every sequence by itself, the way vLLM's scheduler and block pool do. Whatever both are asked,
// both say the same in every step.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "sim/engine.h"

namespace kneepoint::sim {
namespace {

struct Asked {
  std::uint64_t id = 0;
  std::int64_t input = 0, output = 0;
  std::int64_t group = -1, text = 0, prefix = 0, shared = 0;
  std::int64_t priority = 0;
};

struct Got {
  std::uint64_t id = 0;
  std::int64_t tokens = 1;
  friend auto operator<=>(const Got&, const Got&) = default;
};
void PrintTo(const Got& got, std::ostream* out) { *out << got.id << ":" << got.tokens; }

class PlainEngine {
 public:
  explicit PlainEngine(const EngineConfig& config)
      : config_(config), blocks_(static_cast<std::size_t>(config.num_blocks)) {
    for (std::size_t i = 0; i < blocks_.size(); ++i) free_.push_back(i);
  }

  void submit(const Asked& asked) {
    all_.push_back(std::make_unique<Request>());
    all_.back()->asked = asked;
    wait(all_.back().get(), false);
  }
  void cancel(std::uint64_t id) {
    const auto same = [&](const Request* r) { return r->asked.id == id; };
    std::erase_if(waiting_, same);
    const auto it = std::ranges::find_if(running_, same);
    if (it == running_.end()) return;
    let_go(**it);
    running_.erase(it);
  }
  bool idle() const { return waiting_.empty() && running_.empty(); }

  /// Who gets how many tokens.
  std::vector<Got> step() {
    const Scheduling& rules = config_.scheduling;
    std::int64_t budget = config_.max_num_batched_tokens;
    scheduled = 0;
    preempted_ = false;
    in_step_.clear();
    decoding_.clear();
    if (rules.mixed) decode_all(budget);
    budget = std::max<std::int64_t>(budget, 0);
    go_on_with_prompts(budget);
    if (!preempted_ && !holds()) {
      while (budget > 0 && !waiting_.empty() &&
             static_cast<std::int64_t>(running_.size()) < config_.max_num_seqs) {
        Request& r = *waiting_.front();
        if (!admit(r, budget)) break;
        waiting_.pop_front();
        running_.push_back(&r);
        in_step_.push_back(&r);
      }
    }
    if (!rules.mixed && in_step_.empty()) decode_all(budget);
    std::vector<Got> out;
    for (Request* r : decoding_) give(r, ticks_, out);
    for (Request* r : in_step_) {
      if (r->computed < r->known()) continue;
      r->decodes = true;
      give(r, 1, out);
    }
    std::ranges::sort(out);
    return out;
  }

  std::int64_t used() const {
    return static_cast<std::int64_t>(blocks_.size()) - static_cast<std::int64_t>(free_.size());
  }
  std::int64_t scheduled = 0, preemptions = 0, hits = 0;
  bool priorities = false;

 private:
  struct Block {
    std::uint64_t key = 0;  // 0: not to be found
    int refs = 0;
  };
  struct Request {
    Asked asked;
    std::int64_t emitted = 0, computed = 0;
    std::vector<std::size_t> table;
    std::int64_t published = 0;
    bool started = false, decodes = false;
    std::int64_t known() const { return asked.input + emitted; }
  };

  void wait(Request* r, bool front) {
    const auto later = [&](const Request* other) {
      return front ? other->asked.priority >= r->asked.priority
                   : other->asked.priority > r->asked.priority;
    };
    waiting_.insert(std::ranges::find_if(waiting_, later), r);
  }
  /// One sequence gives up what it has.
  void preempt() {
    const auto worst = std::ranges::max_element(running_, [](const Request* a, const Request* b) {
      if (a->asked.priority != b->asked.priority) return a->asked.priority < b->asked.priority;
      return false;  // as they stand: the last of the running
    });
    auto last = worst;
    for (auto it = worst; it != running_.end(); ++it) {
      if ((*it)->asked.priority != (*worst)->asked.priority) continue;
      // By arrival where there are priorities, by letting in where there are none.
      if (!priorities || (*it)->asked.id > (*last)->asked.id) last = it;
    }
    Request* r = *last;
    running_.erase(last);
    if (const auto done = std::ranges::find(decoding_, r); done != decoding_.end()) {
      decoding_.erase(done);
      r->computed -= ticks_;
      scheduled -= 1 + config_.speculation.draft_tokens;
    }
    let_go(*r);
    ++preemptions;
    preempted_ = true;
    wait(r, !config_.scheduling.preempted_go_last);
  }
  void decode_all(std::int64_t& budget) {
    ticks_ = 1;
    if (config_.speculation.draft_tokens > 0) {
      rest_ += config_.speculation.accepted;
      ticks_ = static_cast<std::int64_t>(rest_);
      rest_ -= static_cast<double>(ticks_);
    }
    const std::vector<Request*> turn(running_);
    for (Request* r : turn) {
      if (!r->decodes) continue;
      publish(*r, r->computed);
      while (r->decodes && !grow(*r, r->computed + ticks_)) preempt();
      if (!r->decodes) continue;
      r->computed += ticks_;
      scheduled += 1 + config_.speculation.draft_tokens;
      decoding_.push_back(r);
    }
    budget -= static_cast<std::int64_t>(decoding_.size()) * (1 + config_.speculation.draft_tokens);
  }
  void go_on_with_prompts(std::int64_t& budget) {
    const std::vector<Request*> turn(running_);
    for (Request* r : turn) {
      if (r->decodes || std::ranges::find(running_, r) == running_.end()) continue;
      const std::int64_t tokens = std::min(r->known() - r->computed, budget);
      bool here = true;
      while (here && !grow(*r, r->computed + tokens)) {
        preempt();
        here = std::ranges::find(running_, r) != running_.end();
      }
      if (!here) continue;
      compute(*r, tokens, budget);
      in_step_.push_back(r);
    }
  }
  bool holds() {
    const Scheduling& rules = config_.scheduling;
    if (rules.hold_steps == 0 || waiting_.empty()) return false;
    if (static_cast<std::int64_t>(running_.size()) >= config_.max_num_seqs) return false;
    std::int64_t tokens = 0;
    for (const Request* r : waiting_) tokens += r->known();
    tokens = std::min(tokens, config_.max_num_batched_tokens);
    const auto decodes = static_cast<std::int64_t>(
        std::ranges::count_if(running_, [](const Request* r) { return r->decodes; }));
    const bool few = static_cast<double>(tokens + decodes) <
                     rules.hold_share * static_cast<double>(config_.max_num_batched_tokens);
    if (decodes > 0 && few && held_ < rules.hold_steps) {
      ++held_;
      return true;
    }
    held_ = 0;
    return false;
  }
  /// Blocks that are to stay free beyond the prompt of `r`.
  std::int64_t reserved(const Request& r) const {
    const double share = config_.scheduling.reserve_output;
    const auto most = [&](const Request& of) {
      return blocks_of(of.asked.input + of.asked.output - 1 + config_.speculation.draft_tokens);
    };
    if (share == 1) {
      std::int64_t blocks = most(r) - blocks_of(r.known());
      for (const Request* other : running_) {
        blocks += most(*other) - static_cast<std::int64_t>(other->table.size());
      }
      return blocks;
    }
    if (share == 0 || running_.empty()) return 0;
    std::int64_t tokens = r.asked.output - r.emitted;
    for (const Request* other : running_) tokens += other->asked.output - other->emitted;
    return blocks_of(static_cast<std::int64_t>(share * static_cast<double>(tokens)));
  }
  void give(Request* r, std::int64_t tokens, std::vector<Got>& out) {
    tokens = std::min(tokens, r->asked.output - r->emitted);
    r->emitted += tokens;
    out.push_back({r->asked.id, tokens});
    if (r->emitted < r->asked.output) return;
    publish(*r, r->computed);
    let_go(*r);
    std::erase(running_, r);
  }

  static std::uint64_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    std::uint64_t state = a * 1'000'003 + b;
    state = split_mix(state) + c;
    return split_mix(state) | 1;
  }
  std::uint64_t key(const Request& r, std::int64_t block) const {
    const std::int64_t end = (block + 1) * config_.block_size;
    const auto at = static_cast<std::uint64_t>(block);
    if (end <= std::min(r.asked.prefix, r.asked.shared)) {
      return mix(1, static_cast<std::uint64_t>(r.asked.group), at);
    }
    if (end <= r.asked.shared) return mix(2, static_cast<std::uint64_t>(r.asked.text), at);
    return mix(3, r.asked.id, at);
  }
  std::int64_t blocks_of(std::int64_t tokens) const {
    return (tokens + config_.block_size - 1) / config_.block_size;
  }
  std::size_t take() {
    const std::size_t block = free_.front();
    free_.pop_front();
    if (blocks_[block].key != 0) found_.erase(blocks_[block].key);
    blocks_[block] = {.key = 0, .refs = 1};
    return block;
  }
  bool grow(Request& r, std::int64_t tokens) {
    const std::int64_t more = blocks_of(tokens) - static_cast<std::int64_t>(r.table.size());
    if (more > static_cast<std::int64_t>(free_.size())) return false;
    for (std::int64_t i = 0; i < more; ++i) r.table.push_back(take());
    return true;
  }
  void publish(Request& r, std::int64_t tokens) {
    if (!config_.prefix_caching) return;
    for (; r.published < tokens / config_.block_size; ++r.published) {
      const std::uint64_t k = key(r, r.published);
      const std::size_t block = r.table[static_cast<std::size_t>(r.published)];
      const auto [it, is_new] = found_.try_emplace(k, block);
      blocks_[block].key = k;
      if (is_new) continue;
      // Two blocks of one content. vLLM finds the older one while it is there; the engine the
      // younger one of what is a sequence's own, the older one of what is shared.
      const bool own = (r.published + 1) * config_.block_size > r.asked.shared;
      std::size_t copy = block;
      if (own) std::swap(copy, it->second);
      blocks_[copy].key = mix(4, ++copies_, 0);
    }
  }
  void let_go(Request& r) {
    publish(r, r.computed);
    for (auto it = r.table.rbegin(); it != r.table.rend(); ++it) {
      Block& block = blocks_[*it];
      if (--block.refs > 0) continue;
      if (block.key == 0) {
        free_.push_front(*it);
      } else {
        free_.push_back(*it);
      }
    }
    r.table.clear();
    r.computed = r.published = 0;
    r.decodes = false;
  }
  bool admit(Request& r, std::int64_t& budget) {
    std::vector<std::size_t> cached;
    std::int64_t idle = 0;
    const std::int64_t most = (r.known() - 1) / config_.block_size;
    while (config_.prefix_caching && static_cast<std::int64_t>(cached.size()) < most) {
      const auto it = found_.find(key(r, static_cast<std::int64_t>(cached.size())));
      if (it == found_.end()) break;
      cached.push_back(it->second);
      idle += blocks_[it->second].refs == 0;
    }
    const auto found = static_cast<std::int64_t>(cached.size());
    const std::int64_t have = found * config_.block_size;
    std::int64_t tokens = std::min(r.known() - have, budget);
    if (!config_.chunked_prefill && tokens < r.known() - have) {
      if (!config_.scheduling.long_prompts_alone || !in_step_.empty()) return false;
      tokens = r.known() - have;
    }
    const bool all = config_.admit_whole_prompt || config_.scheduling.reserve_output > 0;
    const std::int64_t whole = all ? r.known() : have + tokens;
    if (blocks_of(whole) - found + idle + reserved(r) > static_cast<std::int64_t>(free_.size())) {
      return false;
    }
    for (const std::size_t block : cached) {
      if (blocks_[block].refs++ == 0) free_.remove(block);
      r.table.push_back(block);
    }
    if (!r.started) hits += have;
    r.started = true;
    r.computed = have;
    r.published = found;
    grow(r, have + tokens);
    compute(r, tokens, budget);
    publish(r, r.computed);
    return true;
  }
  void compute(Request& r, std::int64_t tokens, std::int64_t& budget) {
    budget -= tokens;
    scheduled += tokens;
    r.computed += tokens;
    publish(r, r.computed);
  }

  EngineConfig config_;
  std::vector<Block> blocks_;
  std::list<std::size_t> free_;
  std::unordered_map<std::uint64_t, std::size_t> found_;
  std::vector<std::unique_ptr<Request>> all_;
  std::deque<Request*> waiting_;
  std::vector<Request*> running_;
  std::vector<Request*> in_step_, decoding_;  // prompts; sequences that get tokens
  bool preempted_ = false;
  std::int64_t ticks_ = 1, held_ = 0;
  double rest_ = 0;
  std::uint64_t copies_ = 0;
};

struct Walk {
  EngineConfig config;
  double submit = 0.5;  // chance before a step
  bool prefixes = false, repeats = false, sessions = false, cancels = false, priorities = false;
};

Asked draw(Random& random, const Walk& walk, std::uint64_t id) {
  const std::int64_t size = walk.config.block_size;
  const auto up_to = [&](std::int64_t n) {
    return 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(n)));
  };
  Asked out{.id = id, .input = size + up_to(60), .output = up_to(40)};
  out.text = static_cast<std::int64_t>(id);
  if (walk.priorities) out.priority = static_cast<std::int64_t>(random.below(3)) - 1;
  if (walk.prefixes) {
    out.group = up_to(3);
    out.prefix = out.shared = 6 * out.group;
    out.input += out.prefix;
  }
  if (walk.repeats) {
    // Sixteen prompts, each with lengths of its own, that come again and again.
    const std::int64_t text = up_to(16);
    out.text = text;
    out.group = text % 3;
    out.prefix = 5 * out.group;
    out.input = out.prefix + 3 * text + 4;
    out.shared = out.input;
  }
  return out;
}

/// Both engines under the same random walk. Laws are checked in every step, too.
void expect_same(const Walk& walk, std::uint64_t seed, int steps) {
  Random random(seed, "walk");
  perfmodel::LinearStepTime model;
  Engine engine(walk.config, model);
  PlainEngine plain(walk.config);
  plain.priorities = walk.priorities;
  std::map<std::uint64_t, std::pair<Ticket, Asked>> alive;
  std::vector<Asked> next_turns;
  std::map<std::uint64_t, std::int64_t> said;
  std::int64_t all_said = 0;
  std::uint64_t id = 0;
  Nanos now{};
  for (int i = 0; i < steps; ++i) {
    const bool calm = i % 500 > 400;  // now and then both run empty
    while (!calm && random.uniform() < walk.submit) {
      Asked asked = draw(random, walk, ++id);
      if (walk.sessions) {
        if (!next_turns.empty() && random.uniform() < 0.7) {
          const std::size_t at = random.below(next_turns.size());
          const std::int64_t more = asked.input;
          const std::uint64_t own = asked.id;
          asked = next_turns[at];
          next_turns.erase(next_turns.begin() + static_cast<std::ptrdiff_t>(at));
          asked.id = own;
          asked.input += asked.output + more / 4;
        }
        asked.shared = asked.input + asked.output;
      }
      const auto ticket = engine.submit({.id = asked.id,
                                         .input = Tokens(asked.input),
                                         .output = Tokens(asked.output),
                                         .content = {.prefix_group = asked.group,
                                                     .text = asked.text,
                                                     .prefix = Tokens(asked.prefix),
                                                     .shared = Tokens(asked.shared)},
                                         .priority = asked.priority},
                                        now);
      if (!ticket) continue;
      plain.submit(asked);
      alive[asked.id] = {*ticket, asked};
    }
    if (walk.cancels && !alive.empty() && random.uniform() < 0.1) {
      auto it = alive.begin();
      std::advance(it, static_cast<std::ptrdiff_t>(random.below(alive.size())));
      ASSERT_TRUE(engine.cancel(it->second.first));
      plain.cancel(it->first);
      alive.erase(it);
    }
    const auto takes = engine.begin_step(now);
    ASSERT_EQ(!takes, plain.idle());
    if (!takes) continue;
    ASSERT_GT(*takes, Nanos(0));
    now += *takes;
    const StepResult result = engine.finish_step(now);
    std::vector<Got> got;
    for (const Emission& e : result.emissions) {
      got.push_back({e.id, e.tokens});
      ASSERT_EQ(e.first, said[e.id] == 0);
      const std::int64_t count = said[e.id] += e.tokens;
      all_said += e.tokens;
      ASSERT_EQ(e.finished, count == alive.at(e.id).second.output);
      if (!e.finished) continue;
      if (walk.sessions && next_turns.size() < 20) next_turns.push_back(alive.at(e.id).second);
      alive.erase(e.id);
    }
    std::ranges::sort(got);
    ASSERT_EQ(got, plain.step()) << "step " << i;
    const EngineState state = engine.state();
    ASSERT_EQ(state.last_scheduled_tokens, plain.scheduled) << "step " << i;
    ASSERT_EQ(state.preemptions, plain.preemptions) << "step " << i;
    ASSERT_EQ(state.prefix_hits, plain.hits) << "step " << i;
    ASSERT_EQ(state.blocks_used, plain.used()) << "step " << i;
    // Nothing is lost: requests and blocks.
    ASSERT_EQ(state.submitted,
              state.refused + state.completed + state.cancelled + state.waiting + state.running);
    ASSERT_EQ(state.waiting + state.running, static_cast<std::int64_t>(alive.size()));
    ASSERT_EQ(state.blocks_used + state.blocks_cached + state.blocks_blank, walk.config.num_blocks);
    ASSERT_GE(state.blocks_used, 0);
    ASSERT_GE(state.blocks_cached, 0);
    ASSERT_GE(state.blocks_blank, 0);
    ASSERT_EQ(state.generation_tokens, all_said);
  }
  EXPECT_GT(engine.state().completed, steps / 50);
}

EngineConfig tight() {
  return {.max_num_seqs = 12,
          .max_num_batched_tokens = 48,
          .max_model_len = 200,
          .block_size = 4,
          .num_blocks = 60,
          .prefix_caching = false};
}
EngineConfig caching(EngineConfig config) {
  config.prefix_caching = true;
  return config;
}

TEST(EngineAgainstAPlainOne, SaysTheSameWithoutACache) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) expect_same({.config = tight()}, seed, 1000);
}

TEST(EngineAgainstAPlainOne, SaysTheSameWhenRequestsAreCancelled) {
  expect_same({.config = tight(), .cancels = true}, 5, 1500);
  expect_same({.config = caching(tight()), .prefixes = true, .cancels = true}, 6, 1500);
}

TEST(EngineAgainstAPlainOne, SaysTheSameWhenAPromptNeedsRoomForItsFirstChunkOnly) {
  EngineConfig config = tight();
  config.admit_whole_prompt = false;
  expect_same({.config = config}, 7, 1500);
  expect_same({.config = caching(config), .prefixes = true}, 8, 1500);
}

TEST(EngineAgainstAPlainOne, SaysTheSameWithoutChunkedPrefill) {
  EngineConfig config = tight();
  config.chunked_prefill = false;
  config.max_num_batched_tokens = 200;
  expect_same({.config = config}, 9, 1500);
}

TEST(EngineAgainstAPlainOne, FindsTheSameAfterPreemptions) {
  for (std::uint64_t seed = 10; seed <= 13; ++seed) {
    expect_same({.config = caching(tight())}, seed, 1000);
  }
}

TEST(EngineAgainstAPlainOne, SharesTheSamePrefixes) {
  for (std::uint64_t seed = 14; seed <= 17; ++seed) {
    expect_same({.config = caching(tight()), .prefixes = true}, seed, 1000);
  }
}

TEST(EngineAgainstAPlainOne, FindsTheSameRepeatedPrompts) {
  for (std::uint64_t seed = 18; seed <= 21; ++seed) {
    expect_same({.config = caching(tight()), .repeats = true}, seed, 1000);
  }
}

TEST(EngineAgainstAPlainOne, FindsTheSameTurnsBefore) {
  for (std::uint64_t seed = 22; seed <= 25; ++seed) {
    expect_same({.config = caching(tight()), .sessions = true}, seed, 1000);
  }
}

TEST(EngineAgainstAPlainOne, SaysTheSameWithRoomToSpare) {
  EngineConfig config = caching(tight());
  config.num_blocks = 2000;
  config.max_num_seqs = 40;
  expect_same({.config = config, .submit = 0.6, .prefixes = true, .sessions = true}, 26, 1500);
}

EngineConfig by(ServerRules rules, EngineConfig config = tight()) {
  config.scheduling = scheduling_of(rules);
  return config;
}

TEST(EngineAgainstAPlainOne, SaysTheSameByTheRulesOfTensorRtLlm) {
  EngineConfig config = by(ServerRules::TensorRtLlm);
  expect_same({.config = config}, 27, 1500);
  config.chunked_prefill = false;
  expect_same({.config = config, .cancels = true}, 28, 1500);
  config.scheduling.hold_steps = 5;
  expect_same({.config = config}, 29, 1500);
  expect_same({.config = caching(config), .prefixes = true}, 30, 1500);
}

TEST(EngineAgainstAPlainOne, SaysTheSameByTheRulesOfSglang) {
  EngineConfig config = by(ServerRules::Sglang);
  expect_same({.config = config}, 31, 1500);
  expect_same({.config = config, .cancels = true}, 32, 1500);
  expect_same({.config = caching(config), .repeats = true}, 33, 1500);
  config.scheduling.reserve_output = 0.1;
  expect_same({.config = config}, 34, 1500);
  config.block_size = 1;
  config.num_blocks *= 4;
  expect_same({.config = config}, 35, 1500);
}

TEST(EngineAgainstAPlainOne, SaysTheSameByTheRulesOfVllmV0) {
  EngineConfig config = by(ServerRules::VllmV0);
  config.chunked_prefill = false;
  config.max_num_batched_tokens = 200;
  expect_same({.config = config}, 36, 1500);
  expect_same({.config = caching(config), .sessions = true}, 37, 1500);
}

TEST(EngineAgainstAPlainOne, SaysTheSameWithPriorities) {
  for (std::uint64_t seed = 38; seed <= 41; ++seed) {
    expect_same({.config = tight(), .cancels = true, .priorities = true}, seed, 1000);
  }
  expect_same({.config = by(ServerRules::Sglang), .priorities = true}, 42, 1000);
}

TEST(EngineAgainstAPlainOne, SaysTheSameWithDrafts) {
  std::uint64_t seed = 43;
  for (const ServerRules rules :
       {ServerRules::Vllm, ServerRules::TensorRtLlm, ServerRules::Sglang}) {
    EngineConfig config = by(rules);
    config.speculation = {.draft_tokens = 3, .accepted = 2.3};
    expect_same({.config = config, .cancels = true}, seed++, 1500);
    config.speculation = {.draft_tokens = 1, .accepted = 1};
    expect_same({.config = config}, seed++, 1500);
  }
}

}  // namespace
}  // namespace kneepoint::sim
